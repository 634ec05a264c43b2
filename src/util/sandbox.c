/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"
#include "util/output.h"

#define MSG_SANDBOX	"shut in: Landlock %s, seccomp %s"

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

/* Of the first version of Landlock: all there is to do with files. */
#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
		LANDLOCK_ACCESS_FS_REMOVE_FILE)	/* mkostemp() opens for reading, too */
#define ALL (READS | WRITES | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static bool permitted;

void sandbox_permit(void)
{
	permitted = true;
}

void sandbox_begin(struct sandbox *s, bool off)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = ALL };

	*s = (struct sandbox){ .rules = -1, .off = off || !permitted };
	if (!s->off)
		s->rules = syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
}

static void allow(struct sandbox *s, const char *directory, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access = access };

	beneath.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, s->rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
}

void sandbox_read(struct sandbox *s, const char *directory)
{
	if (directory && s->rules >= 0)
		allow(s, directory, READS);
}

void sandbox_write(struct sandbox *s, const char *file)
{
	char *real, *copy;

	if (!file || s->rules < 0 || output_is_standard(file))
		return;
	real = realpath(file, NULL);
	copy = strdup(real ?: file);
	if (copy)
		allow(s, dirname(copy), WRITES);
	free(copy);
	free(real);
}

/* --- system calls */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))
#define DENY(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), REFUSE(EPERM)

static bool filter_calls(void)
{
#ifdef OWN_ARCH
	static const struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
#ifdef __x86_64__
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),	/* x32 */
		REFUSE(EPERM),
		DENY(fork), DENY(vfork),
#endif
		/* other programs and processes */
		DENY(execve), DENY(execveat), DENY(ptrace), DENY(process_vm_readv), DENY(process_vm_writev), DENY(pidfd_getfd),
		DENY(unshare), DENY(setns),
		/* others on this or another machine */
		DENY(socket), DENY(socketpair), DENY(connect), DENY(bind), DENY(listen),
		/* the kernel, and what it keeps */
		DENY(bpf), DENY(perf_event_open), DENY(io_uring_setup), DENY(userfaultfd), DENY(keyctl), DENY(add_key),
		DENY(request_key), DENY(init_module), DENY(finit_module), DENY(delete_module), DENY(kexec_load), DENY(reboot),
		DENY(mount), DENY(umount2), DENY(pivot_root), DENY(chroot), DENY(open_by_handle_at), DENY(swapon),
		DENY(truncate),		/* Landlock's first version does not */
		/* glibc takes clone() then, whose flags can be looked at: threads only */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		REFUSE(ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
		REFUSE(EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = (struct sock_filter *)code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
	return false;
#endif
}

void sandbox_enter(struct sandbox *s, bool verbose)
{
	bool files, calls;

	if (s->off)
		return;
	tzset();	/* reads files, once */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		close(s->rules);
		return;
	}
	files = s->rules >= 0 && syscall(SYS_landlock_restrict_self, s->rules, 0) == 0;
	close(s->rules);
	calls = filter_calls();
	if (verbose)
		say_at(SAY_INFO, MSG_SANDBOX, files ? "yes" : "no", calls ? "yes" : "no");
}
