/* SPDX-License-Identifier: GPL-2.0 */
/* For other kernel modules: services of a core, without a process. */
#ifndef OFFSCHED_KERNEL_H
#define OFFSCHED_KERNEL_H

#include <linux/types.h>

struct offsched_client;

/* Both are called in process context, one call at a time. */
struct offsched_client_operations {
	/* A message from the service; `bytes` as it sent them. */
	void (*reply)(void *context, const void *message, size_t bytes);
	/* The core is gone, or the ring damaged: nothing more comes. May be NULL. */
	void (*gone)(void *context);
};

/*
 * Binds a channel of the service on the CPU's core; OFFSCHED_ANY_CPU: of the
 * first that runs. May sleep. Error pointers: ENODEV: no image runs; ENOENT: no
 * such service; EBUSY: all its channels are taken; ENOMEM.
 */
struct offsched_client *offsched_bind(unsigned int cpu, const char *service,
				      const struct offsched_client_operations *operations,
				      void *context);

/*
 * Sends a message; any context but NMI. EAGAIN: no room now; EMSGSIZE: longer
 * than the service takes; EIO: the core is gone; EBADMSG: the ring is damaged.
 */
int offsched_send(struct offsched_client *client, const void *message, size_t bytes);

/* Frees the channel; no callback runs after this. May sleep; not from a callback. */
void offsched_close(struct offsched_client *client);

#endif
