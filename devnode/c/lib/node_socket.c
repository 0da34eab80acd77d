/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The hosted device: requests and answers of executive/abi/src/node.rs over a
 * Unix socket, with descriptors beside the answers.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "node.h"
#include "offsched_abi.h"

/* Longest wait for an answer: the device answers at once or is not well. */
#define ANSWER_MS	5000
/* Longest pause between two tries to bind. */
#define ASK_AGAIN_MS	20
#define FDS_MAX		3

static int socket_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	return error == ENOENT || error == ECONNREFUSED || error == EPROTOTYPE ? -ENXIO : -error;
}

static void close_all(int *fds)
{
	for (int at = 0; at < FDS_MAX; at++) {
		if (fds[at] >= 0)
			close(fds[at]);
		fds[at] = -1;
	}
}

/* Takes descriptors out of an answer; those too many are closed. */
static void take_fds(struct msghdr *message, int *fds)
{
	int count = 0;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		size_t bytes = control->cmsg_len - CMSG_LEN(0);

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(control) + at, sizeof(fd));
			if (count < FDS_MAX)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
}

/* What an answer's status says as an errno. */
static int status_error(uint32_t status)
{
	switch (status) {
	case OFFSCHED_REPLY_OK:
		return 0;
	case OFFSCHED_REPLY_WRONG_VERSION:
		return -EPROTO;
	case OFFSCHED_REPLY_NO_SERVICE:
		return -ENOENT;
	case OFFSCHED_REPLY_ALL_TAKEN:
		return -EBUSY;
	case OFFSCHED_REPLY_CORE_GONE:
		return -ENODEV;
	case OFFSCHED_REPLY_NO_RESOURCES:
		return -ENOBUFS;
	case OFFSCHED_REPLY_WRONG_TYPE:
		return -EPROTOTYPE;
	case OFFSCHED_REPLY_NOT_ALLOWED:
		return -EPERM;
	default:
		return -EREMOTEIO;
	}
}

/* Who hangs up instead of answering is about to be gone. */
static int hung_up(ssize_t got)
{
	if (got == 0 || errno == EPIPE || errno == ECONNRESET)
		return -ENXIO;
	return -errno;
}

/* Sends a request and waits for its answer and FDS_MAX descriptors (-1: none). */
static int ask_device(int socket, uint32_t op, const struct node_ask *ask,
		      struct offsched_reply *reply, int *fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct offsched_request request = {
		.magic = (uint32_t)OFFSCHED_NODE_MAGIC,
		.abi_version = ask->abi_version,
		.layout_hash = ask->layout_hash,
		.op = op,
	};
	struct iovec piece = { .iov_base = reply, .iov_len = sizeof(*reply) };
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;
	int ready;

	for (int at = 0; at < FDS_MAX; at++)
		fds[at] = -1;
	if (op == OFFSCHED_OP_BIND) {
		memcpy(request.name, ask->name, sizeof(request.name));
		request.rx_type = ask->send_type;
		request.tx_type = ask->recv_type;
	}
	if (send(socket, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return hung_up(-1);
	ready = node_readable(socket, ANSWER_MS);
	if (ready <= 0)
		return ready < 0 ? ready : -EREMOTEIO;
	memset(&control, 0, sizeof(control));
	got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got <= 0)
		return hung_up(got);
	take_fds(&message, fds);
	if (got != sizeof(*reply) || reply->magic != OFFSCHED_NODE_MAGIC)
		return -EREMOTEIO;
	return status_error(reply->status);
}

/* Maps a whole file. */
static int map_file(struct node_memory *memory, int file, int access)
{
	struct stat stat_buffer;

	if (fstat(file, &stat_buffer))
		return -errno;
	if (stat_buffer.st_size <= 0)
		return -EREMOTEIO;
	return node_map(memory, file, (size_t)stat_buffer.st_size, 0, access);
}

static int socket_region(const char *path, struct node_ask *ask, struct node_memory *region)
{
	int socket = socket_connect(path), fds[FDS_MAX], error;
	struct offsched_reply reply;

	if (socket < 0)
		return socket;
	error = ask_device(socket, OFFSCHED_OP_HELLO, ask, &reply, fds);
	if (!error)
		error = fds[0] < 0 ? -EREMOTEIO : map_file(region, fds[0], PROT_READ);
	close_all(fds);
	close(socket);
	return error;
}

static int bind_once(const char *path, const struct node_ask *ask, struct node_grant *grant)
{
	int socket = socket_connect(path), fds[FDS_MAX], error;
	struct offsched_reply reply;

	if (socket < 0)
		return socket;
	error = ask_device(socket, OFFSCHED_OP_BIND, ask, &reply, fds);
	if (!error && fds[FDS_MAX - 1] < 0)
		error = -EREMOTEIO;
	if (!error)
		error = map_file(&grant->pages, fds[0], PROT_READ | PROT_WRITE);
	if (error) {
		close_all(fds);
		close(socket);
		return error;
	}
	close(fds[0]);
	grant->wake = fds[1];
	grant->doorbell = fds[2];
	grant->handle = socket;
	grant->owner = getpid();
	grant->service = reply.service;
	grant->channel = reply.channel;
	grant->channel_epoch = reply.channel_epoch;
	grant->core_epoch = reply.core_epoch;
	return 0;
}

/* A hosted device keeps nobody waiting: it is asked again, soon at first. */
static int socket_bind(const char *path, const struct node_ask *ask, struct node_grant *grant)
{
	long long deadline = node_deadline(ask->wait_ms), left = 0;
	int error, pause = 1;

	for (;;) {
		error = bind_once(path, ask, grant);
		if (deadline >= 0)
			left = deadline - node_now_ms();
		if (error != -EBUSY || (deadline >= 0 && left <= 0))
			return error;
		if (deadline >= 0 && pause > left)
			pause = (int)left;
		if (poll(NULL, 0, pause) < 0)
			return -errno;
		pause = 2 * pause < ASK_AGAIN_MS ? 2 * pause : ASK_AGAIN_MS;
	}
}

static void socket_ring(const struct node_grant *grant)
{
	const uint64_t one = 1;
	/* A full counter means that it is ringing already. */
	ssize_t written = write(grant->doorbell, &one, sizeof(one));

	(void)written;
}

static void socket_hush(const struct node_grant *grant)
{
	uint64_t rings;
	/* An empty one means that it has not rung. */
	ssize_t got = read(grant->wake, &rings, sizeof(rings));

	(void)got;
}

/* The device sends nothing unasked, so anything to read is the end. */
static bool socket_gone(const struct node_grant *grant)
{
	return node_readable(grant->handle, 0) > 0;
}

/*
 * The device frees the channel first, then hangs up itself: that is waited for. What a child
 * releases are its copies.
 */
static void socket_release(struct node_grant *grant)
{
	if (grant->owner == getpid() && shutdown(grant->handle, SHUT_WR) == 0)
		node_readable(grant->handle, ANSWER_MS);
	node_unmap(&grant->pages);
	close(grant->doorbell);
	close(grant->wake);
	close(grant->handle);
}

const struct node node_socket = {
	.region = socket_region,
	.bind = socket_bind,
	.ring = socket_ring,
	.hush = socket_hush,
	.gone = socket_gone,
	.release = socket_release,
};
