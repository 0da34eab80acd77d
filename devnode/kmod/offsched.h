/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/offsched: CPUs taken out of Linux and the images that run on them.
 *
 * A handle is about one CPU: the one it loaded an image for, or attached to.
 *
 *   Life of a core:    LOAD -> [LIMIT] -> START -> [STOP] -> RETURN -> LOAD -> ...
 *   Life of a client:  open -> [ATTACH] -> BIND -> mmap, or read and write; poll -> close
 *
 * mmap at offset 0, on a handle that was opened O_RDONLY, shows what the core
 * publishes. A bound handle, opened O_RDWR, has one channel of one service:
 *
 *   mmap        at the offset that BIND said, all of it, MAP_SHARED: the channel's
 *               pages, and RING to wake the core; or
 *   read,       one whole message a call. EAGAIN: none, or no room (O_NONBLOCK).
 *   write,      EMSGSIZE: the buffer is too small (the message stays), or the
 *   readv,      message longer than the service takes, or not of the one size
 *   writev      that messages of its type have. EBADMSG: the ring is damaged.
 *               EIO: the core is gone.
 *
 *   poll        POLLIN: a message waits; POLLOUT: there is room for the longest;
 *               POLLHUP and POLLERR: the core is gone, or the channel closed.
 *               POLLERR alone: not bound. An epoll that has the handle by then
 *               hears of the binding, and of all that comes.
 *
 * The first mmap, read or write decides between the two: EBUSY for the other.
 * The channel belongs to the process that bound it, and is closed when that
 * process has closed its last descriptor of the handle or ended, whoever else
 * has one. Nothing that is mapped of it can be reached after that (SIGBUS).
 */
#ifndef OFFSCHED_H
#define OFFSCHED_H

#include <linux/ioctl.h>

#include "offsched_abi.h"	/* structures, and the numbers of the calls */

/*
 * Makes the handle one about a CPU. EINVAL: no such CPU. OFFSCHED_ANY_CPU: the
 * first with an image that runs, else the first with one that has run; which
 * one is written back. ENODEV: none.
 */
#define OFFSCHED_IOC_ATTACH	_IOWR(OFFSCHED_TYPE, OFFSCHED_ATTACH, __u32)
/*
 * LOAD, LIMIT, START, STOP and RETURN want CAP_SYS_MODULE. LOAD and START are
 * refused under kernel lockdown; a core that runs by then can be stopped. LOAD:
 * EOPNOTSUPP where Linux encrypts its memory, as in confidential guests.
 */
#define OFFSCHED_IOC_LOAD	_IOW(OFFSCHED_TYPE, OFFSCHED_LOAD, struct offsched_load)
/*
 * Takes the CPU and starts the image. EIO: it gave no sign of life. ENOEXEC: its
 * tables lie, or are not what LOAD said. ENOENT: it has no service of a name
 * that was limited. EPROTO: of another ABI. EBUSY: Linux is about to sleep or
 * to end, does not let CPUs come and go now, or has no unused page in the first
 * MiB. EINVAL: nothing is loaded, or it has run. ENODEV: the CPU is not online.
 * ENOMEM. Others are Linux's, which keeps the CPU. After any of them it is
 * Linux's, unless it runs an image already (EINVAL), or Linux would not have it
 * back, which its log says.
 */
#define OFFSCHED_IOC_START	_IO(OFFSCHED_TYPE, OFFSCHED_START)
/*
 * Lets a group's members bind a service of the image that was loaded, and from
 * the first such call on nobody else who has not CAP_SYS_ADMIN. EINVAL: nothing
 * is loaded, or it has run; no such group. ENOSPC: too many.
 */
#define OFFSCHED_IOC_LIMIT	_IOW(OFFSCHED_TYPE, OFFSCHED_LIMIT, struct offsched_limit)
/* Asks the image to end. Whether it does is to be seen in shared memory. */
#define OFFSCHED_IOC_STOP	_IO(OFFSCHED_TYPE, OFFSCHED_STOP)
/*
 * Takes the CPU from the image, whatever it does, and gives it to Linux. One that
 * was asked to end and runs on leaves a crash record first, if it still can.
 */
#define OFFSCHED_IOC_RETURN	_IO(OFFSCHED_TYPE, OFFSCHED_RETURN)
#define OFFSCHED_IOC_STATUS	_IOR(OFFSCHED_TYPE, OFFSCHED_STATUS, struct offsched_core_status)
/*
 * Gives the handle a free channel of a service. EPROTO: the image was built for
 * another ABI, which is then written back. ENOENT: no such service. EBUSY: all
 * its channels are taken, and were for as long as the caller would wait. EPERM:
 * it was limited to groups that the caller is not in. EPROTOTYPE: its messages
 * are not those that the caller states. EISCONN: the handle had a channel already. ENODEV: no
 * image runs. EBADF: the handle was not opened O_RDWR.
 */
#define OFFSCHED_IOC_BIND	_IOWR(OFFSCHED_TYPE, OFFSCHED_BIND, struct offsched_bind)
/* Wakes the core to look at its channels. Who rings all the time is slowed down. */
#define OFFSCHED_IOC_RING	_IO(OFFSCHED_TYPE, OFFSCHED_RING)
/* Closes the channel now; the handle stays, hung up. */
#define OFFSCHED_IOC_CLOSE	_IO(OFFSCHED_TYPE, OFFSCHED_CLOSE)

#endif
