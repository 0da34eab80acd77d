/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every call of the client library, well and badly used, against a device with
 * the timer service:
 *
 *	exercise DEVICE
 *
 * Then waits without end, and says what it was told when the core went.
 *
 *	exercise DEVICE CPU
 *
 * binds what the core on that CPU serves, and says what it is called.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "offsched_client.h"

#define CLIENTS	8
#define CHECK(got, wanted)	check(#got, __LINE__, (long)(got), (long)(wanted))

struct request {
	uint32_t kind, id;
	uint64_t delay_us, period_us;
};

struct reply {
	uint32_t kind, id;
	uint64_t due_us, at_cycles, untold;
};

#define REQUEST	"Request{kind@0:u32,id@4:u32,delay_us@8:u64,period_us@16:u64}24"
#define REPLY	"Reply{kind@0:u32,id@4:u32,due_us@8:u64,at_cycles@16:u64,untold@24:u64}32"
/* The reply's fields in another order. */
#define MIXED	"Reply{id@0:u32,kind@4:u32,due_us@8:u64,at_cycles@16:u64,untold@24:u64}32"

static void check(const char *what, int line, long got, long wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "exercise.c:%d: %s is %ld, not %ld (%s)\n", line, what, got, wanted,
		got < 0 ? offsched_strerror((int)got) : "no error");
	exit(EXIT_FAILURE);
}

static int open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* Mappings of shared memory. */
static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") || strstr(line, "/dev/offsched");
	fclose(maps);
	return count;
}

static void open_by_cpu(const char *path)
{
	struct offsched_device *device;
	struct stat node;

	CHECK(stat(path, &node), 0);
	if (S_ISCHR(node.st_mode)) {
		/* Linux's own, and one that there is not. */
		CHECK(offsched_open_cpu(&device, path, 0), -ENODEV);
		CHECK(offsched_open_cpu(&device, path, 1000000), -EINVAL);
		return;
	}
	CHECK(offsched_open_cpu(&device, path, 1000000), 0);
	offsched_close(device);
}

static struct offsched_device *open_device(const char *path)
{
	struct offsched_service services[4];
	struct offsched_device *device = NULL;

	CHECK(offsched_open(&device, "/no/such/device"), -ENXIO);
	CHECK(offsched_open(&device, "/dev/null"), -ENXIO);
	CHECK(offsched_open(&device, "/etc/passwd"), -ENXIO);
	CHECK(offsched_open(&device, NULL), -EINVAL);
	CHECK(offsched_open(&device, path), 0);
	CHECK(offsched_services(device, services, 4), 1);
	CHECK(offsched_services(device, NULL, 0), 1);
	CHECK(strcmp(services[0].name, "timer"), 0);
	CHECK(services[0].clients, CLIENTS);
	CHECK(services[0].max_send, sizeof(struct request));
	CHECK(services[0].max_recv, sizeof(struct reply));
	CHECK(strcmp(services[0].send_name, "Request"), 0);
	CHECK(strcmp(services[0].recv_name, "Reply"), 0);
	CHECK(services[0].send_type == offsched_type(REQUEST), 1);
	CHECK(services[0].recv_type == offsched_type(REPLY), 1);
	return device;
}

static void *bind_at_last(void *device)
{
	struct offsched_channel *channel;

	CHECK(offsched_bind_timeout(&channel, device, "timer", offsched_type(REQUEST), 0,
				    OFFSCHED_FOREVER), 0);
	return channel;
}

/* All are taken: waits for one, in vain and until `*taken` is free. */
static void bind_waiting(struct offsched_device *device, struct offsched_channel **taken)
{
	struct offsched_channel *channel;
	pthread_t waiter;
	void *bound;

	CHECK(offsched_bind_timeout(&channel, device, "timer", 0, 0, 20), -EBUSY);
	CHECK(offsched_bind_timeout(&channel, device, "timer", 0, offsched_type(MIXED),
				    OFFSCHED_FOREVER), -EPROTOTYPE);
	CHECK(offsched_bind_timeout(&channel, device, "no such service", 0, 0, OFFSCHED_FOREVER),
	      -ENOENT);
	CHECK(pthread_create(&waiter, NULL, bind_at_last, device), 0);
	CHECK(poll(NULL, 0, 50), 0);
	offsched_unbind(*taken);
	CHECK(pthread_join(waiter, &bound), 0);
	*taken = bound;
	CHECK(offsched_bind(&channel, device, "timer"), -EBUSY);
}

static struct offsched_channel *bind_timer(struct offsched_device *device)
{
	struct offsched_channel *channels[CLIENTS], *channel = NULL;

	CHECK(offsched_bind(&channel, device, "no such service"), -ENOENT);
	CHECK(offsched_bind(&channel, device, "a name that is longer than any service's"), -ENOENT);
	CHECK(offsched_bind(&channel, device, ""), -ENOENT);
	CHECK(offsched_bind_typed(&channel, device, "timer", offsched_type(REPLY),
				  offsched_type(REQUEST)), -EPROTOTYPE);
	CHECK(offsched_bind_typed(&channel, device, "timer", 0, offsched_type(MIXED)), -EPROTOTYPE);
	CHECK(strstr(offsched_strerror(EPROTOTYPE), "other types") != NULL, 1);
	CHECK(strstr(offsched_strerror(EPERM), "limited to a group") != NULL, 1);
	for (int at = 0; at < CLIENTS; at++)
		CHECK(offsched_bind_typed(&channels[at], device, "timer", offsched_type(REQUEST),
					  at % 2 ? offsched_type(REPLY) : 0), 0);
	CHECK(offsched_bind(&channel, device, "timer"), -EBUSY);
	bind_waiting(device, &channels[3]);
	/* Free at once when unbound. */
	for (int at = 0; at < CLIENTS; at++)
		offsched_unbind(channels[at]);
	CHECK(offsched_bind(&channel, device, "timer"), 0);
	return channel;
}

static void one_by_one(struct offsched_channel *channel)
{
	struct request request = { 1, 7, 1000, 0 };
	struct reply reply = { 0 };
	char large[4096] = { 0 };

	CHECK(offsched_recv(channel, &reply, sizeof(reply), 0), -EAGAIN);
	CHECK(offsched_next(channel), -EAGAIN);
	CHECK(offsched_recv(channel, &reply, sizeof(reply), 20), -ETIMEDOUT);
	CHECK(offsched_send(channel, large, sizeof(request) + 1, 0), -EMSGSIZE);
	/* Too short is no request either: not one that vanishes. */
	CHECK(offsched_send(channel, large, sizeof(request) - 1, 0), -EMSGSIZE);
	CHECK(offsched_send(channel, NULL, 0, 0), -EMSGSIZE);
	CHECK(offsched_send(channel, large, sizeof(large), OFFSCHED_FOREVER), -EMSGSIZE);
	CHECK(offsched_send(channel, &request, sizeof(request), OFFSCHED_FOREVER), 0);
	/* Too small a buffer: waits for the message, and keeps it. */
	CHECK(offsched_recv(channel, &reply, 8, OFFSCHED_FOREVER), -EMSGSIZE);
	CHECK(offsched_next(channel), sizeof(reply));
	CHECK(offsched_recv(channel, &reply, sizeof(reply), 0), sizeof(reply));
	CHECK(reply.kind, 1);
	CHECK(reply.id, 7);
	CHECK(offsched_recv(channel, &reply, sizeof(reply), 60000), sizeof(reply));
	CHECK(reply.kind, 2);
}

static void in_batches(struct offsched_channel *channel)
{
	struct request requests[4] = { { 2, 1, 0, 0 }, { 2, 2, 0, 0 }, { 2, 3, 0, 0 }, { 2, 4, 0, 0 } };
	struct iovec out[4], in[4];
	struct reply replies[4];
	int got = 0;

	for (int at = 0; at < 4; at++)
		out[at] = (struct iovec){ &requests[at], sizeof(requests[at]) };
	out[3].iov_len++;
	CHECK(offsched_send_batch(channel, out + 3, 1), -EMSGSIZE);
	CHECK(offsched_send_batch(channel, out, 4), 3);
	out[3].iov_len -= 2;
	CHECK(offsched_send_batch(channel, out + 3, 1), -EMSGSIZE);
	out[3].iov_len++;
	CHECK(offsched_send_batch(channel, out + 3, 1), 1);
	while (got < 4) {
		struct pollfd wait = { .fd = offsched_poll_fd(channel), .events = POLLIN };
		int prepared = offsched_poll_prepare(channel), more;

		CHECK(prepared == 0 || prepared == 1, 1);
		if (prepared)
			CHECK(poll(&wait, 1, 60000), 1);
		for (int at = got; at < 4; at++)
			in[at] = (struct iovec){ &replies[at], sizeof(replies[at]) };
		more = offsched_recv_batch(channel, in + got, 4 - got);
		if (more != -EAGAIN)
			CHECK(more > 0, 1);
		got += more > 0 ? more : 0;
	}
	in[0] = (struct iovec){ NULL, sizeof(replies[0]) };
	CHECK(offsched_recv_batch(channel, in, 1), -EINVAL);
	in[0].iov_len = sizeof(struct request);
	CHECK(offsched_send_batch(channel, in, 1), -EINVAL);
	in[0] = (struct iovec){ &replies[0], sizeof(replies[0]) };
	/* No timer had those ids. */
	for (int at = 0; at < 4; at++) {
		CHECK(in[at].iov_len, sizeof(struct reply));
		CHECK(replies[at].kind, 5);
		CHECK(replies[at].id, at + 1);
	}
	CHECK(offsched_recv_batch(channel, in, 4), -EAGAIN);
	/* All is told, so nothing wakes an event loop. */
	CHECK(offsched_poll_prepare(channel), 1);
	CHECK(poll(&(struct pollfd){ .fd = offsched_poll_fd(channel), .events = POLLIN }, 1, 0), 0);
}

static int on_cpu(const char *path, unsigned int cpu)
{
	struct offsched_service service;
	struct offsched_channel *channel;
	struct offsched_device *device;

	CHECK(offsched_open_cpu(&device, path, cpu), 0);
	CHECK(offsched_services(device, &service, 1), 1);
	CHECK(offsched_bind(&channel, device, service.name), 0);
	offsched_unbind(channel);
	offsched_close(device);
	puts(service.name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct offsched_device *device;
	struct offsched_channel *channel;
	struct reply reply;
	int error, files = open_files();

	if (argc == 3)
		return on_cpu(argv[1], (unsigned int)atoi(argv[2]));
	if (argc != 2)
		return 2;
	open_by_cpu(argv[1]);
	device = open_device(argv[1]);
	channel = bind_timer(device);
	one_by_one(channel);
	in_batches(channel);
	printf("waiting\n");
	fflush(stdout);
	error = offsched_recv(channel, &reply, sizeof(reply), OFFSCHED_FOREVER);
	CHECK(error, -ENODEV);
	CHECK(offsched_send(channel, &reply, sizeof(struct request), OFFSCHED_FOREVER), -ENODEV);
	CHECK(offsched_poll_prepare(channel), -ENODEV);
	offsched_unbind(channel);
	error = offsched_bind(&channel, device, "timer");
	CHECK(error == -ENODEV || error == -ENXIO, 1);
	offsched_close(device);
	CHECK(open_files(), files);
	CHECK(mappings(), 0);
	printf("the core is gone\n");
	return EXIT_SUCCESS;
}
