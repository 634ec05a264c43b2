/* SPDX-License-Identifier: GPL-2.0-only */
/* A model for each test, and the states of an event by short names. */
#ifndef TESTS_ONE_MODEL_H
#define TESTS_ONE_MODEL_H

#include "model/model.h"

#define ENA (SDEI_REGISTERED | SDEI_ENABLED)
#define PEND (ENA | SDEI_PENDING)
#define RUN (ENA | SDEI_RUNNING)
#define MASK SDEI_MASKED

static struct model *m;

static int setup(void **state)
{
	m = model_new(NULL);
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(m);
	return 0;
}

#endif
