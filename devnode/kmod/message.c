// SPDX-License-Identifier: GPL-2.0
/* read and write: one whole message a call, through the rings' halves in ring.h. */

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "internal.h"

/* An error once there is nobody to talk to any more. */
static int gone(struct offsched_handle *handle)
{
	if (READ_ONCE(handle->run->over))
		return -EIO;
	return offsched_handle_open(handle) ? 0 : -ESHUTDOWN;
}

static bool waits(const struct kiocb *iocb)
{
	return !(iocb->ki_filp->f_flags & O_NONBLOCK) && !(iocb->ki_flags & IOCB_NOWAIT);
}

/*
 * Takes a half of the rings. Another thread may wait under it for as long as it
 * takes: who does not wait is told so, and epoll to look again, as edge-triggered
 * it hears of nothing that came before.
 */
static int take(struct offsched_handle *handle, struct mutex *half, const struct kiocb *iocb)
{
	if (waits(iocb))
		return mutex_lock_interruptible(half) ? -ERESTARTSYS : 0;
	if (mutex_trylock(half))
		return 0;
	wake_up_all(&handle->channel->wait);
	return gone(handle) ?: -EAGAIN;
}

/*
 * Sleeps until there is mail, or room for `room` bytes, or nobody to wait for. By
 * the half's own idea of the ring: what the shared words say together may be a lie.
 */
static int wait_for(struct offsched_handle *handle, u32 kind, size_t room)
{
	struct offsched_end *end = &handle->end;

	if (signal_pending(current))
		return -ERESTARTSYS;
	return wait_event_interruptible(handle->channel->wait, ({
		offsched_handle_ask(handle, kind);
		gone(handle) || (kind == OFFSCHED_WAKE_MAIL ?
			offsched_rx_has_mail(&end->rx) :
			offsched_tx_has_room(&end->tx, room) || end->tx.corrupt);
	}));
}

/*
 * Takes the message out only if the buffer takes it. No page is brought in for
 * that, which can take for ever: EFAULT, with the message's length in `missing`.
 */
static ssize_t receive(struct offsched_handle *handle, struct iov_iter *to, size_t *missing)
{
	struct offsched_end *end = &handle->end;
	struct offsched_rx before;
	int len = offsched_end_next(end);
	size_t copied;
	void *buffer;

	if (len < 0)
		return len;
	if (len > iov_iter_count(to))
		return -EMSGSIZE;
	buffer = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return -ENOMEM;
	before = end->rx;
	len = offsched_end_pop(end, buffer, len);
	if (len >= 0) {
		pagefault_disable();
		copied = copy_to_iter(buffer, len, to);
		pagefault_enable();
		if (copied != len) {
			iov_iter_revert(to, copied);
			end->rx = before;
			*missing = len;
			len = -EFAULT;
		}
	}
	kvfree(buffer);
	return len;
}

/*
 * Nothing there, or no room: waits, if the caller does. Who does not is told so
 * only at the second look, after a request to the core, so that edge-triggered
 * epoll hears of what comes after it.
 */
static int wait_or_ask(struct offsched_handle *handle, const struct kiocb *iocb, u32 kind,
		       size_t room, bool *asked)
{
	if (waits(iocb))
		return wait_for(handle, kind, room);
	if (*asked)
		return -EAGAIN;
	offsched_handle_ask(handle, kind);
	*asked = true;
	return 0;
}

static ssize_t read_locked(struct offsched_handle *handle, struct kiocb *iocb, struct iov_iter *to,
			   size_t *missing)
{
	bool asked = false;

	for (;;) {
		ssize_t ret = gone(handle);

		/* Closed: nothing is stored there any more. */
		if (ret)
			return ret;
		ret = receive(handle, to, missing);
		/* After EAGAIN too: the half may have gone back to the ring's start. */
		offsched_end_release(&handle->end);
		if (ret != -EAGAIN)
			return ret;
		ret = wait_or_ask(handle, iocb, OFFSCHED_WAKE_MAIL, 0, &asked);
		if (ret)
			return ret;
	}
}

ssize_t offsched_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct offsched_handle *handle = iocb->ki_filp->private_data;
	ssize_t ret = offsched_handle_use(handle, OFFSCHED_CALLS);

	/* As a datagram socket does. */
	if (ret || !iov_iter_count(to))
		return ret;
	do {
		size_t missing = 0;

		ret = take(handle, &handle->reading, iocb);
		if (ret)
			return ret;
		ret = read_locked(handle, iocb, to, &missing);
		mutex_unlock(&handle->reading);
		if (ret != -EFAULT || fault_in_iov_iter_writeable(to, missing))
			return ret;
		ret = signal_pending(current) ? -ERESTARTSYS : 0;
	} while (!ret);
	return ret;
}

static ssize_t write_locked(struct offsched_handle *handle, struct kiocb *iocb, const void *message,
			    size_t len)
{
	bool asked = false;

	for (;;) {
		int ret = gone(handle);

		if (ret)
			return ret;
		ret = offsched_end_push(&handle->end, message, len);
		if (offsched_end_flush(&handle->end))
			offsched_wake_core(handle->run);
		if (!ret)
			return len;
		if (ret != -EAGAIN)
			return ret;
		ret = wait_or_ask(handle, iocb, OFFSCHED_WAKE_ROOM, len, &asked);
		if (ret)
			return ret;
	}
}

ssize_t offsched_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct offsched_handle *handle = iocb->ki_filp->private_data;
	size_t len = iov_iter_count(from);
	ssize_t ret = offsched_handle_use(handle, OFFSCHED_CALLS);
	void *message;

	if (ret)
		return ret;
	if (!offsched_service_fits(handle->run->service + handle->channel->service, len))
		return -EMSGSIZE;
	message = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!message)
		return -ENOMEM;
	ret = copy_from_iter(message, len, from) == len ? take(handle, &handle->writing, iocb) :
							  -EFAULT;
	if (!ret) {
		ret = write_locked(handle, iocb, message, len);
		mutex_unlock(&handle->writing);
	}
	kvfree(message);
	return ret;
}
