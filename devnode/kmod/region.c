// SPDX-License-Identifier: GPL-2.0
/*
 * The tables of a region, as the image made them: read once, checked, copied.
 * The image may have been written by anybody, and goes on while we look.
 */

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* A control page and the data of two rings. */
u64 offsched_channel_bytes(const struct offsched_service_entry *service)
{
	return PAGE_SIZE + 2 * offsched_ring_bytes(service);
}

/* A table in the region, behind its header. */
static bool within(const struct offsched_tables *tables, u64 offset, u64 bytes)
{
	return PAGE_ALIGNED(offset) && offset >= PAGE_SIZE &&
	       offset + bytes <= tables->region_bytes;
}

static bool tables_good(const struct offsched_run *run, const struct offsched_tables *tables)
{
	return tables->services <= OFFSCHED_SERVICES_MAX &&
	       tables->channels <= OFFSCHED_CHANNELS_MAX &&
	       /* One that failed too early to say more has made a region of nothing. */
	       (tables->public_bytes == run->public_bytes ||
		(!tables->channels && tables->public_bytes < run->public_bytes)) &&
	       tables->region_bytes <= tables->public_bytes &&
	       within(tables, tables->services_offset,
		      tables->services * sizeof(struct offsched_service_entry)) &&
	       within(tables, tables->channels_offset, tables->channels * sizeof(u32)) &&
	       within(tables, tables->telemetry_offset, sizeof(struct offsched_core_telemetry));
}

/* A name, and zeros behind it; no other service has it. */
static bool name_good(const struct offsched_run *run, u32 service)
{
	const u8 *name = run->service[service].name;
	size_t len = strnlen(name, OFFSCHED_NAME_BYTES);
	u32 i;

	for (i = 0; i < service; i++)
		if (!memcmp(run->service[i].name, name, OFFSCHED_NAME_BYTES))
			return false;
	return len && !memchr_inv(name + len, 0, OFFSCHED_NAME_BYTES - len);
}

static bool service_good(const struct offsched_service_entry *service, u32 first)
{
	struct offsched_ring ring;
	size_t longest;

	if (offsched_ring_init(&ring, NULL, NULL, offsched_ring_bytes(service), 0))
		return false;
	longest = offsched_max_frame(&ring);
	return service->clients && !service->reserved && service->first_channel == first &&
	       service->clients <= OFFSCHED_CHANNELS_MAX && service->rx_size <= longest &&
	       service->tx_size <= longest;
}

/* Lays the channels out behind what is public. */
static int place_channels(struct offsched_run *run, u32 channels)
{
	u64 offset = run->public_bytes, end = (u64)run->shared.count << PAGE_SHIFT;
	u32 first = 0, i;

	for (i = 0; i < run->services; i++) {
		const struct offsched_service_entry *service = run->service + i;
		u64 bytes = offsched_channel_bytes(service);

		if (!name_good(run, i) || !service_good(service, first) ||
		    service->clients > channels - first)
			return -ENOEXEC;
		for (; first < service->first_channel + service->clients; first++) {
			struct offsched_channel *channel = run->channel + first;

			if (bytes > end - offset)
				return -ENOEXEC;
			channel->index = first;
			channel->service = i;
			channel->offset = offset;
			init_waitqueue_head(&channel->wait);
			offset += bytes;
		}
	}
	return first == channels ? 0 : -ENOEXEC;
}

/*
 * ENOEXEC: it is not what its LOAD said, or no region at all. EPROTO: of another
 * version or layout. ENOENT: it has no service of a name that was limited.
 */
int offsched_region_read(struct offsched_run *run)
{
	const struct offsched_header *header = offsched_run_header(run);
	struct offsched_tables tables;
	size_t bytes;
	int ret;

	memcpy(&tables, &header->tables, sizeof(tables));
	barrier();	/* what is checked is what is used */
	if (READ_ONCE(header->magic) != OFFSCHED_MAGIC || !tables_good(run, &tables))
		return -ENOEXEC;
	run->abi_version = READ_ONCE(header->abi_version);
	run->layout_hash = READ_ONCE(header->layout_hash);
	/* The module's own halves of the rings send for read(), write() and other modules. */
	if (run->abi_version != OFFSCHED_ABI_VERSION ||
	    run->layout_hash != OFFSCHED_LAYOUT_HASH)
		return -EPROTO;
	run->states = run->view + tables.channels_offset;
	run->heartbeat = run->view + tables.telemetry_offset +
			 offsetof(struct offsched_core_telemetry, heartbeat);
	run->services = tables.services;
	run->service = kvcalloc(tables.services, sizeof(*run->service), GFP_KERNEL);
	run->channel = kvcalloc(tables.channels, sizeof(*run->channel), GFP_KERNEL);
	if (!run->service || !run->channel)
		return -ENOMEM;
	bytes = tables.services * sizeof(*run->service);
	memcpy(run->service, run->view + tables.services_offset, bytes);
	ret = place_channels(run, tables.channels);
	if (!ret)
		ret = offsched_limit_check(run);
	/* The core may ring already: from here on there is somebody to wake. */
	if (!ret)
		smp_store_release(&run->channels, tables.channels);
	return ret;
}
