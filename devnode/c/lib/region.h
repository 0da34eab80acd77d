/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A core's region, mapped read-only and checked. */
#ifndef OFFSCHED_REGION_H
#define OFFSCHED_REGION_H

#include "node.h"
#include "offsched_abi.h"

struct region {
	struct node_memory memory;
	const struct offsched_header *header;
	const struct offsched_service_entry *services;
	const struct offsched_channel_state *channels;
	__u32 service_count;
	__u32 channel_count;
};

/* Maps what the device shows. 0 or a negative errno. `ask` gets this library's ABI. */
int region_map(struct region *region, const struct node *node, const char *path,
	       struct node_ask *ask);
void region_unmap(struct region *region);

/* True if the core runs, in that epoch. */
bool region_runs(const struct region *region, __u32 epoch);

#endif
