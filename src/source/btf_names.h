/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types of BTF by name. A kernel has a hundred thousand of them and libbpf goes through all for each name; here they are gone
 * through once, which is shorter as soon as five names are looked for.
 */
#ifndef SOURCE_BTF_NAMES_H
#define SOURCE_BTF_NAMES_H

struct btf;
struct btf_names;

/* Of the functions, structs and typedefs in btf and in what it is split from, which must outlive it. NULL: no memory. */
struct btf_names *btf_names_new(const struct btf *btf);
void btf_names_free(struct btf_names *n);	/* NULL is fine */

/* As btf__find_by_name_kind() for these kinds: the id of the first one, or -ENOENT. */
int btf_names_find(const struct btf_names *n, const char *name, unsigned int kind);

#endif
