/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The kernel's character device; see devnode/kmod/offsched.h. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"
#include "offsched.h"

/* A handle about the CPU, which is set if it was any. */
static int kernel_open(const char *path, int access, __u32 *cpu)
{
	int fd = open(path, access | O_CLOEXEC), error;

	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? -ENXIO : -errno;
	if (ioctl(fd, OFFSCHED_IOC_ATTACH, cpu) == 0)
		return fd;
	error = errno == ENOTTY ? ENXIO : errno;
	close(fd);
	return -error;
}

static int kernel_region(const char *path, struct node_ask *ask, struct node_memory *region)
{
	struct offsched_core_status status = { 0 };
	int fd, error;

	fd = kernel_open(path, O_RDONLY, &ask->cpu);
	if (fd < 0)
		return fd;
	error = ioctl(fd, OFFSCHED_IOC_STATUS, &status) ? -errno : 0;
	if (!error && !status.public_bytes)
		error = -ENODEV;
	if (!error)
		error = node_map(region, fd, status.public_bytes, 0, PROT_READ);
	close(fd);
	return error;
}

static int kernel_bind(const char *path, const struct node_ask *ask, struct node_grant *grant)
{
	struct offsched_bind bind = {
		.abi_version = ask->abi_version,
		.layout_hash = ask->layout_hash,
		.rx_type = ask->send_type,
		.tx_type = ask->recv_type,
		.flags = ask->wait_ms ? OFFSCHED_BIND_WAIT : 0,
		/* 0: as long as it takes. */
		.wait_ms = ask->wait_ms > 0 ? (__u32)ask->wait_ms : 0,
	};
	__u32 cpu = ask->cpu;
	int fd = kernel_open(path, O_RDWR, &cpu), error;

	if (fd < 0)
		return fd;
	memcpy(bind.name, ask->name, sizeof(bind.name));
	error = ioctl(fd, OFFSCHED_IOC_BIND, &bind) ? -errno : 0;
	if (!error)
		error = node_map(&grant->pages, fd, bind.bytes, bind.offset,
				 PROT_READ | PROT_WRITE);
	if (error) {
		close(fd);
		return error;
	}
	grant->handle = fd;
	grant->wake = fd;
	grant->doorbell = -1;
	grant->service = bind.service;
	grant->channel = bind.channel;
	grant->channel_epoch = bind.channel_epoch;
	grant->core_epoch = bind.core_epoch;
	return 0;
}

static void kernel_ring(const struct node_grant *grant)
{
	/* A core that is gone cannot be rung; the next look at it tells. */
	(void)ioctl(grant->handle, OFFSCHED_IOC_RING);
}

/* poll looks at the ring itself. */
static void kernel_hush(const struct node_grant *grant)
{
	(void)grant;
}

static bool kernel_gone(const struct node_grant *grant)
{
	struct pollfd look = { .fd = grant->handle };

	return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR));
}

static void kernel_release(struct node_grant *grant)
{
	node_unmap(&grant->pages);
	close(grant->handle);
}

const struct node node_kernel = {
	.region = kernel_region,
	.bind = kernel_bind,
	.ring = kernel_ring,
	.hush = kernel_hush,
	.gone = kernel_gone,
	.release = kernel_release,
};
