/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Asks the timer service for a periodic timer and prints its expiries.
 *
 *	timer DEVICE [PERIOD_US [COUNT [SERVICE]]]
 *
 * DEVICE is /dev/offsched or the socket of a hosted core.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "offsched_client.h"

/* The messages of services/src/timer/messages.rs. */
enum { START = 1, CANCEL = 2 };
enum { STARTED = 1, EXPIRED = 2, CANCELLED = 3 };

struct request {
	uint32_t kind;
	uint32_t id;
	uint64_t delay_us;
	uint64_t period_us;	/* 0: once */
};

struct reply {
	uint32_t kind;
	uint32_t id;
	uint64_t due_us;	/* since the core's start */
	uint64_t at_cycles;
	uint64_t untold;	/* messages right before this one that could not be told */
};

/* The same to compare with the service's: names, fields with their offsets, sizes. */
#define REQUEST	"Request{kind@0:u32,id@4:u32,delay_us@8:u64,period_us@16:u64}24"
#define REPLY	"Reply{kind@0:u32,id@4:u32,due_us@8:u64,at_cycles@16:u64,untold@24:u64}32"

enum { TIMER = 1, WAIT_MS = 30000 };

static int fail(const char *what, int error)
{
	fprintf(stderr, "timer: cannot %s: %s\n", what, offsched_strerror(error));
	return EXIT_FAILURE;
}

/* The next reply of that kind; others, late expiries, are passed over. */
static int await(struct offsched_channel *channel, uint32_t kind, struct reply *reply)
{
	int len;

	do {
		len = offsched_recv(channel, reply, sizeof(*reply), WAIT_MS);
		if (len < 0)
			return len;
		if (len != sizeof(*reply))
			return -EREMOTEIO;
	} while (reply->kind == EXPIRED && kind != EXPIRED);
	return reply->kind == kind ? 0 : -EREMOTEIO;
}

static int run(struct offsched_channel *channel, uint64_t period_us, uint64_t count)
{
	struct request request = { START, TIMER, period_us, period_us };
	struct reply reply;
	uint64_t first_us = 0;
	int error = offsched_send(channel, &request, sizeof(request), WAIT_MS);

	if (!error)
		error = await(channel, STARTED, &reply);
	if (error)
		return fail("start a timer", error);
	printf("started, every %" PRIu64 " us\n", period_us);
	for (uint64_t expiry = 1; expiry <= count; expiry++) {
		error = await(channel, EXPIRED, &reply);
		if (error)
			return fail("wait for the timer", error);
		if (expiry == 1)
			first_us = reply.due_us;
		printf("expiry %" PRIu64 " at +%" PRIu64 " us, %" PRIu64 " untold\n", expiry,
		       reply.due_us - first_us, reply.untold);
		fflush(stdout);
	}
	request = (struct request){ CANCEL, TIMER, 0, 0 };
	error = offsched_send(channel, &request, sizeof(request), WAIT_MS);
	if (!error)
		error = await(channel, CANCELLED, &reply);
	if (error)
		return fail("cancel the timer", error);
	printf("cancelled\n");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	uint64_t period_us = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
	uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 10) : 10;
	const char *service = argc > 4 ? argv[4] : "timer";
	struct offsched_device *device;
	struct offsched_channel *channel;
	int error, status;

	if (argc < 2 || argc > 5 || !period_us) {
		fprintf(stderr, "usage: timer DEVICE [PERIOD_US [COUNT [SERVICE]]]\n");
		return 2;
	}
	error = offsched_open(&device, argv[1]);
	if (error)
		return fail("open the device", error);
	error = offsched_bind_typed(&channel, device, service, offsched_type(REQUEST),
				    offsched_type(REPLY));
	offsched_close(device);
	if (error)
		return fail("bind the service", error);
	status = run(channel, period_us, count);
	offsched_unbind(channel);
	return status;
}
