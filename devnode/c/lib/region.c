/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A core's region: see executive/abi/src/region.rs. */

#include <errno.h>

#include "region.h"
#include "ring_words.h"

/* A table of `count` entries, or NULL: not in the region, misaligned, too many. */
static const void *table(const struct region *region, __u32 offset, __u32 count, size_t size,
			 __u32 most)
{
	if (count > most || offset % 8 || offset > region->memory.bytes ||
	    (region->memory.bytes - offset) / size < count)
		return NULL;
	return (const char *)region->memory.at + offset;
}

/* 0, -ENODEV: the image has not begun, -EPROTO: of another ABI, or -EREMOTEIO: no region. */
static int region_check(struct region *region)
{
	const struct offsched_header *header = region->memory.at;
	struct offsched_tables tables;

	if (region->memory.bytes < sizeof(*header))
		return -EREMOTEIO;
	/* Loaded, and not written yet. */
	if (!offsched_load_acquire(&header->magic))
		return -ENODEV;
	if (offsched_load_acquire(&header->magic) != OFFSCHED_MAGIC)
		return -EREMOTEIO;
	if (offsched_load(&header->abi_version) != OFFSCHED_ABI_VERSION ||
	    offsched_load(&header->layout_hash) != OFFSCHED_LAYOUT_HASH)
		return -EPROTO;
	tables = header->tables;
	region->services = table(region, tables.services_offset, tables.services,
				 sizeof(*region->services), OFFSCHED_SERVICES_MAX);
	region->channels = table(region, tables.channels_offset, tables.channels,
				 sizeof(*region->channels), OFFSCHED_CHANNELS_MAX);
	if (!region->services || !region->channels)
		return -EREMOTEIO;
	region->header = header;
	region->service_count = tables.services;
	region->channel_count = tables.channels;
	return 0;
}

int region_map(struct region *region, const struct node *node, const char *path,
	       struct node_ask *ask)
{
	int error;

	ask->abi_version = OFFSCHED_ABI_VERSION;
	ask->layout_hash = OFFSCHED_LAYOUT_HASH;
	error = node->region(path, ask, &region->memory);
	if (error)
		return error;
	error = region_check(region);
	if (error)
		region_unmap(region);
	return error;
}

void region_unmap(struct region *region)
{
	node_unmap(&region->memory);
}

bool region_runs(const struct region *region, __u32 epoch)
{
	__u32 state = offsched_load_acquire(&region->header->state.state);

	return (state == OFFSCHED_STATE_STARTING || state == OFFSCHED_STATE_RUNNING) &&
	       offsched_load_acquire(&region->header->state.epoch) == epoch;
}
