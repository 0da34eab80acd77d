/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Messages there and back through a service that returns what it gets, and that
 * sleeps in between: every doorbell is needed.
 *
 *	echo DEVICE ROUNDS
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "offsched_client.h"

enum { LONGEST = 1024, WAIT_MS = 60000 };

static int fail(const char *what, unsigned long round, int error)
{
	fprintf(stderr, "echo.c: %s in round %lu: %s\n", what, round, offsched_strerror(error));
	return EXIT_FAILURE;
}

/* Message `number`: its length, and its bytes. */
static size_t fill(unsigned char *message, unsigned long number)
{
	size_t len = 1 + number * 2654435761u % LONGEST;

	for (size_t at = 0; at < len; at++)
		message[at] = (unsigned char)(number + at);
	return len;
}

int main(int argc, char **argv)
{
	unsigned char sent[LONGEST], wanted[LONGEST], got[LONGEST];
	unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, back = 0, out = 0;
	struct offsched_channel *channel;
	struct offsched_device *device;
	int error = offsched_open(&device, argc == 3 ? argv[1] : "");

	if (!error)
		error = offsched_bind(&channel, device, "echo");
	if (error)
		return fail("cannot begin", 0, error);
	offsched_close(device);
	while (back < rounds) {
		size_t len;

		/* As many as there is room for, and now and then only one. */
		do {
			if (out == rounds)
				break;
			len = fill(sent, out);
			error = offsched_send(channel, sent, len, 0);
			out += !error;
		} while (!error && out % 50);
		if (error && error != -EAGAIN)
			return fail("cannot send", out, error);
		do {
			int length = offsched_recv(channel, got, sizeof(got), WAIT_MS);

			if (length < 0)
				return fail("cannot receive", back, length);
			len = fill(wanted, back);
			if ((size_t)length != len || memcmp(got, wanted, len))
				return fail("another message came back", back, -EBADMSG);
			back++;
		} while (back < out && back % 3);
	}
	offsched_unbind(channel);
	printf("%lu there and back\n", back);
	return EXIT_SUCCESS;
}
