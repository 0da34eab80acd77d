/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For other kernel modules: services of a core, without a process.
 *
 * A kernel module may do anything anyway, so it is asked for no rights: limits
 * that were set on a service (OFFSCHED_IOC_LIMIT) hold for processes. What it
 * says of messages is checked as a process's is: it may state their types, and
 * none of a size that the service does not take is sent.
 */
#ifndef OFFSCHED_KERNEL_H
#define OFFSCHED_KERNEL_H

#include <linux/types.h>

struct offsched_client;

/* Both are called in process context, one call at a time. */
struct offsched_client_operations {
	/* A message from the service; `bytes` as it sent them. */
	void (*reply)(void *context, const void *message, size_t bytes);
	/* Once: the core is gone, or the ring damaged, and nothing more comes. May be NULL. */
	void (*gone)(void *context);
};

/**
 * offsched_type - identity of a type of messages
 * @text: its name, each field with its offset and type, and its size, such as
 *        "Request{kind@0:u32,id@4:u32}8" or "[u64;4]", with the service's names
 *
 * Return: what offsched_bind() compares: FNV-1a, 64 bits.
 */
static inline u64 offsched_type(const char *text)
{
	u64 hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (u8)*text) * 0x100000001b3;
	return hash;
}

/**
 * offsched_bind - bind a channel of a service
 * @cpu: the core's CPU; OFFSCHED_ANY_CPU: the first on which an image runs
 * @service: the service's name
 * @send_type: type of the messages to the service (offsched_type()); 0: any
 * @recv_type: type of the messages from it; 0: any
 * @operations: what is done with replies; stays until offsched_close() returns
 * @context: for them
 *
 * Context: process; may sleep.
 * Return: the client, or an error pointer. ENODEV: no image runs. ENOENT: no such
 * service. EPROTOTYPE: its messages are of other types. EBUSY: all its channels
 * are taken. ENOMEM.
 */
struct offsched_client *offsched_bind(unsigned int cpu, const char *service, u64 send_type,
				      u64 recv_type,
				      const struct offsched_client_operations *operations,
				      void *context);

/**
 * offsched_send - send a message
 * @client: who sends it
 * @message: copied before this returns
 * @bytes: how long it is
 *
 * Context: any but NMI, hard interrupts on PREEMPT_RT included. Sleeps never, but
 * spins, with interrupts off, while another sender of the same client copies its
 * message.
 * Return: 0. -EAGAIN: no room now. -EMSGSIZE: longer than the service takes, or
 * not the size of the type that it states. -EIO: the core is gone. -EBADMSG: the
 * ring is damaged.
 */
int offsched_send(struct offsched_client *client, const void *message, size_t bytes);

/**
 * offsched_close - free the channel
 * @client: whose; nobody sends by it any more. It is gone afterwards
 *
 * A module does this before it is unloaded: no callback runs after this.
 *
 * Context: process, no callback of the client's own; may sleep.
 */
void offsched_close(struct offsched_client *client);

#endif
