/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs are attached to, for libbpf. It would look for the function of each program in all types of the kernel, and, where KVM is a
 * module, once more for each module that was loaded before it: 60 million instructions a program with nine modules. probes.h has found
 * them in one pass.
 */
#ifndef SOURCE_TARGETS_H
#define SOURCE_TARGETS_H

struct probes;

/*
 * Makes libbpf ask here, about objects that are opened from now on. Once in a process is enough, more do no harm; by one thread at a time,
 * as libbpf's own calls. 0 or -errno.
 */
int targets_register(void);

/*
 * Of objects that are loaded from now on, programs are those of probes (which must outlive that); NULL: they are none, and their functions
 * are looked for in the kernel, without modules. 0 or -errno: the types of KVM's module cannot be named to the kernel.
 */
int targets_use(const struct probes *probes);

#endif
