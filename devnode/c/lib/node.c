/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What both ways to a device need. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "node.h"

int node_at(const char *path, const struct node **node)
{
	struct stat stat_buffer;

	if (stat(path, &stat_buffer))
		return errno == EACCES ? -EACCES : -ENXIO;
	if (S_ISSOCK(stat_buffer.st_mode))
		*node = &node_socket;
	else if (S_ISCHR(stat_buffer.st_mode))
		*node = &node_kernel;
	else
		return -ENXIO;
	return 0;
}

int node_map(struct node_memory *memory, int file, size_t bytes, uint64_t offset, int access)
{
	void *at = mmap(NULL, bytes, access, MAP_SHARED, file, (off_t)offset);

	if (at == MAP_FAILED)
		return -errno;
	memory->at = at;
	memory->bytes = bytes;
	return 0;
}

void node_unmap(struct node_memory *memory)
{
	if (memory->at)
		munmap(memory->at, memory->bytes);
	memory->at = NULL;
}

long long node_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

long long node_deadline(int timeout_ms)
{
	return timeout_ms > 0 ? node_now_ms() + timeout_ms : timeout_ms;
}

int node_readable(int fd, int timeout_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int ready = poll(&wait, 1, timeout_ms);

	return ready < 0 ? -errno : ready;
}
