/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Opening a device and listing its services; what errors mean. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "offsched_client.h"

int offsched_open(struct offsched_device **device, const char *path)
{
	return offsched_open_cpu(device, path, OFFSCHED_ANY_CPU);
}

int offsched_open_cpu(struct offsched_device **device, const char *path, unsigned int cpu)
{
	struct offsched_device *opened;
	struct node_ask ask = { .cpu = cpu };
	int error;

	if (!device || !path)
		return -EINVAL;
	opened = calloc(1, sizeof(*opened) + strlen(path) + 1);
	if (!opened)
		return -ENOMEM;
	strcpy(opened->path, path);
	error = node_at(path, &opened->node);
	if (!error)
		error = region_map(&opened->region, opened->node, path, &ask);
	if (error) {
		free(opened);
		return error;
	}
	opened->cpu = ask.cpu;
	*device = opened;
	return 0;
}

void offsched_close(struct offsched_device *device)
{
	if (!device)
		return;
	region_unmap(&device->region);
	free(device);
}

static void put_name(char to[OFFSCHED_NAME_BYTES + 1], const __u8 from[OFFSCHED_NAME_BYTES])
{
	memcpy(to, from, OFFSCHED_NAME_BYTES);
	to[OFFSCHED_NAME_BYTES] = '\0';
}

int offsched_services(const struct offsched_device *device, struct offsched_service *services,
		      int count)
{
	if (!device || count < 0 || (count && !services))
		return -EINVAL;
	for (int at = 0; at < count && at < (int)device->region.service_count; at++) {
		const struct offsched_service_entry *entry = &device->region.services[at];
		struct offsched_service *service = &services[at];

		put_name(service->name, entry->name);
		put_name(service->send_name, entry->rx_type.name);
		put_name(service->recv_name, entry->tx_type.name);
		service->send_type = entry->rx_type.id;
		service->recv_type = entry->tx_type.id;
		service->clients = entry->clients;
		service->max_send = entry->rx_size;
		service->max_recv = entry->tx_size;
	}
	return (int)device->region.service_count;
}

/* FNV-1a, 64 bits. */
uint64_t offsched_type(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

const char *offsched_strerror(int error)
{
	switch (error < 0 ? -error : error) {
	case EAGAIN:
		return "no message, or no room for one, just now: try again, or give a timeout";
	case ETIMEDOUT:
		return "no message, or no room for one, in the time given";
	case EMSGSIZE:
		return "the message is longer than the service takes, or not of its messages' one "
		       "size; or longer than the buffer (then it was kept: give a larger one)";
	case ENXIO:
		return "no device answers at this path: does the image run, and is this its device?";
	case EPROTO:
		return "the device has another ABI version or layout: build both from the same "
		       "sources";
	case ENOENT:
		return "the image has no service of that name; offsched_services lists what it has";
	case EBUSY:
		return "all channels of the service are taken: close one, or declare more clients";
	case EPROTOTYPE:
		return "the service's messages are of other types than this program's: "
		       "offsched_services lists them; build both from the same sources";
	case EPERM:
		return "the service is not for this user: it was limited to a group when the core "
		       "was started";
	case ENODEV:
		return "the core does not run, or not any more the image that was bound to: start it "
		       "if need be, then bind again";
	case ESHUTDOWN:
		return "the device closed this channel: bind again to go on";
	case EBADMSG:
		return "the channel's memory is damaged: bind again to go on";
	case ENOBUFS:
		return "the device is out of memory, descriptors or handles: close some";
	case EREMOTEIO:
		return "the device answered what this library does not understand";
	default:
		return strerror(error < 0 ? -error : error);
	}
}
