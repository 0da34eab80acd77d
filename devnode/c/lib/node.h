/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ways to a device: the hosted socket and the kernel's character device. */
#ifndef OFFSCHED_NODE_H
#define OFFSCHED_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NAME_BYTES	32

/* The ABI of the caller, and what it asks for. */
struct node_ask {
	uint32_t abi_version;
	uint64_t layout_hash;
	char name[NAME_BYTES];	/* of a service, padded with zeros */
	uint64_t send_type;	/* of messages; 0: any */
	uint64_t recv_type;
	uint32_t cpu;		/* of the kernel's device; if it was any, region sets it */
	int wait_ms;		/* for a channel, where all are taken; -1: as long as it takes */
};

/* Memory of the device, mapped. */
struct node_memory {
	void *at;
	size_t bytes;
};

/* What the device gives for a binding. */
struct node_grant {
	uint32_t service;
	uint32_t channel;
	uint32_t channel_epoch;
	uint32_t core_epoch;
	struct node_memory pages;
	int handle;		/* the binding lives as long; hangs up when the device is gone */
	int wake;		/* readable when the core rang; may be the handle */
	int doorbell;		/* an eventfd to ring the core with, or -1 */
	pid_t owner;		/* who bound: a child of it has copies only */
};

/* All return 0 or a negative errno. */
struct node {
	/* The region, read-only. */
	int (*region)(const char *path, struct node_ask *ask, struct node_memory *region);
	int (*bind)(const char *path, const struct node_ask *ask, struct node_grant *grant);
	/* Rings the core. */
	void (*ring)(const struct node_grant *grant);
	/* Makes `wake` quiet until the core rings again. */
	void (*hush)(const struct node_grant *grant);
	/* True if the device has hung up. */
	bool (*gone)(const struct node_grant *grant);
	/* Ends the binding, waits until the channel is free, and gives everything back. */
	void (*release)(struct node_grant *grant);
};

extern const struct node node_socket;
extern const struct node node_kernel;

/* What there is at a path. 0, or -ENXIO: nothing that is a device. */
int node_at(const char *path, const struct node **node);

/* Maps `bytes` of a file. 0 or a negative errno. */
int node_map(struct node_memory *memory, int file, size_t bytes, uint64_t offset, int access);
void node_unmap(struct node_memory *memory);

/* The monotonic clock, and the end of a timeout on it; -1: none. */
long long node_now_ms(void);
long long node_deadline(int timeout_ms);

/* Waits until something is to be read. 1: it is; 0: not in time; or a negative errno. */
int node_readable(int fd, int timeout_ms);

#endif
