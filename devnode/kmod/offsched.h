/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/offsched: CPUs taken out of Linux and the images that run on them.
 *
 * A handle is about one CPU: the one it loaded an image for, or attached to.
 *
 *   Life of a core:    LOAD -> START -> [STOP] -> RETURN -> LOAD -> ...
 *   Life of a client:  open -> [ATTACH] -> BIND -> mmap, or read and write; poll -> close
 *
 * mmap at offset 0, on a handle that was opened O_RDONLY, shows what the core
 * publishes. A bound handle, opened O_RDWR, has one channel of one service:
 *
 *   mmap        at the offset that BIND said, all of it, MAP_SHARED: the channel's
 *               pages, and RING to wake the core; or
 *   read,       one whole message a call. EAGAIN: none, or no room (O_NONBLOCK).
 *   write,      EMSGSIZE: the buffer is too small (the message stays), or the
 *   readv,      message longer than the service takes. EBADMSG: the ring is
 *   writev      damaged. EIO: the core is gone.
 *
 *   poll        POLLIN: a message waits; POLLOUT: there is room for the longest;
 *               POLLHUP and POLLERR: the core is gone, or the channel closed.
 *
 * The first mmap, read or write decides between the two: EBUSY for the other.
 * The channel belongs to the process that bound it, and is closed when that
 * process has closed its last descriptor of the handle or ended, whoever else
 * has one. Nothing that is mapped of it can be reached after that (SIGBUS).
 */
#ifndef OFFSCHED_H
#define OFFSCHED_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Where things are on the core. The image is linked into its window. */
#define OFFSCHED_IMAGE_BASE	0x40000000ULL
#define OFFSCHED_IMAGE_END	0x60000000ULL
#define OFFSCHED_PARAMS		0x60000000ULL	/* one page, read-only */
#define OFFSCHED_LAPIC		0x60001000ULL	/* one page, uncached; xAPIC only */
#define OFFSCHED_SHARED		0x60200000ULL
#define OFFSCHED_SHARED_MAX	0x10000000ULL	/* bytes */

#define OFFSCHED_SEGMENTS_MAX	16

/* The vector by which Linux asks the core to look at its parameters. */
#define OFFSCHED_DOORBELL	0x41

/* First word of the parameters: "offparm" and the version of the structure. */
#define OFFSCHED_PARAMS_MAGIC	0x016d72617066666fULL

/* What the module tells the image, at OFFSCHED_PARAMS. */
struct offsched_params {
	__u64 magic;
	__u64 root;		/* the image's page tables: a value for CR3 */
	__u64 shared_bytes;
	__u64 tsc_khz;
	__u64 tsc;		/* read together with monotonic_ns */
	__u64 monotonic_ns;
	__u32 cpu;
	__u32 apic_id;
	__u32 epoch;		/* starts of this CPU's cores, this one included */
	__u32 stop;		/* becomes 1 when the image is to end */
	__u64 notify;		/* how to interrupt Linux: APIC id << 32 | vector; 0: not at all */
};

#define OFFSCHED_READ		1
#define OFFSCHED_WRITE		2
#define OFFSCHED_EXEC		4

/* Part of an image: whole pages at vaddr, filled from data, the rest zero. */
struct offsched_segment {
	__u64 vaddr;
	__u64 bytes;
	__u64 data;
	__u64 data_bytes;
	__u32 access;		/* OFFSCHED_*; never WRITE and EXEC together */
	__u32 reserved;		/* 0 */
};

struct offsched_load {
	__u64 entry;		/* in an executable segment */
	__u64 segments;		/* address of an array of offsched_segment */
	__u32 count;
	__u32 cpu;
	__u64 shared_bytes;	/* whole pages */
	__u64 public_bytes;	/* of those, from the start: what everybody may see */
};

enum offsched_state {
	OFFSCHED_EMPTY,		/* nothing loaded */
	OFFSCHED_LOADED,
	OFFSCHED_OFFLOADED,	/* the CPU is the image's */
	OFFSCHED_RETURNED,	/* the CPU is Linux's; shared memory as the image left it */
};

struct offsched_status {
	__u32 cpu;
	__u32 state;		/* enum offsched_state */
	__u32 epoch;
	__u32 reserved;
	__u64 shared_bytes;
	__u64 public_bytes;
};

#define OFFSCHED_NAME_BYTES	32
#define OFFSCHED_BIND_WAIT	1	/* until a channel is free */

struct offsched_bind {
	__u32 abi_version;	/* EPROTO: not the image's, which is then written here */
	__u32 flags;		/* OFFSCHED_BIND_* */
	__u64 layout_hash;
	__u8 name[OFFSCHED_NAME_BYTES];	/* padded with zeros */
	/* Answers. */
	__u32 service;		/* its index in the region's table */
	__u32 channel;
	__u32 channel_epoch;	/* that the channel is open in */
	__u32 core_epoch;
	__u32 cpu;
	__u32 reserved;
	__u64 offset;		/* for mmap */
	__u64 bytes;
};

#define OFFSCHED_IOC		0xf7
/*
 * Makes the handle one about a CPU. EINVAL: no such CPU. OFFSCHED_ANY_CPU: the
 * first with an image that runs, else the first with one that has run; which
 * one is written back. ENODEV: none.
 */
#define OFFSCHED_ANY_CPU	0xffffffffU
#define OFFSCHED_IOC_ATTACH	_IOWR(OFFSCHED_IOC, 0, __u32)
/* LOAD, START, STOP and RETURN want CAP_SYS_MODULE and no kernel lockdown. */
#define OFFSCHED_IOC_LOAD	_IOW(OFFSCHED_IOC, 1, struct offsched_load)
/* Takes the CPU and starts the image. EIO: it gave no sign of life. */
#define OFFSCHED_IOC_START	_IO(OFFSCHED_IOC, 2)
/* Asks the image to end. Whether it does is to be seen in shared memory. */
#define OFFSCHED_IOC_STOP	_IO(OFFSCHED_IOC, 3)
/* Takes the CPU from the image, whatever it does, and gives it to Linux. */
#define OFFSCHED_IOC_RETURN	_IO(OFFSCHED_IOC, 4)
#define OFFSCHED_IOC_STATUS	_IOR(OFFSCHED_IOC, 5, struct offsched_status)
/*
 * Gives the handle a free channel of a service. EPROTO: the image was built for
 * another ABI. ENOENT: no such service. EBUSY: all its channels are taken.
 * EISCONN: the handle had a channel already. ENODEV: no image runs. EBADF: the
 * handle was not opened O_RDWR.
 */
#define OFFSCHED_IOC_BIND	_IOWR(OFFSCHED_IOC, 6, struct offsched_bind)
/* Wakes the core to look at its channels. Who rings all the time is slowed down. */
#define OFFSCHED_IOC_RING	_IO(OFFSCHED_IOC, 7)
/* Closes the channel now; the handle stays, hung up. */
#define OFFSCHED_IOC_CLOSE	_IO(OFFSCHED_IOC, 8)

#endif
