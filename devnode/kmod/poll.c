// SPDX-License-Identifier: GPL-2.0
/*
 * poll, of a handle's channel and of a handle that has none yet: epoll puts itself
 * into a queue when it is told of the handle, and never again, and BIND may come
 * later.
 */

#include "internal.h"

/*
 * The channel woke somebody: those too that polled before it was the handle's, while there are any;
 * under the channel's lock.
 */
static int on_wake(wait_queue_entry_t *relay, unsigned int mode, int flags, void *key)
{
	struct offsched_handle *handle = container_of(relay, struct offsched_handle, relay);

	if (waitqueue_active(&handle->unbound))
		wake_up_all(&handle->unbound);
	else
		list_del_init(&relay->entry);
	return 0;
}

void offsched_poll_init(struct offsched_handle *handle)
{
	init_waitqueue_head(&handle->unbound);
	init_waitqueue_func_entry(&handle->relay, on_wake);
	INIT_LIST_HEAD(&handle->relay.entry);
}

/* The relay is over, if it is not already. */
void offsched_poll_end(struct offsched_handle *handle, struct offsched_channel *channel)
{
	unsigned long flags;

	spin_lock_irqsave(&channel->wait.lock, flags);
	list_del_init(&handle->relay.entry);
	spin_unlock_irqrestore(&channel->wait.lock, flags);
}

/*
 * The channel is the handle's. Who polled before hears of it now, and by the relay
 * of all that comes; without such there is none, for whoever is in the channel's
 * queue counts as one that waits.
 */
void offsched_poll_begin(struct offsched_handle *handle, struct offsched_channel *channel)
{
	add_wait_queue(&channel->wait, &handle->relay);
	smp_store_release(&handle->channel, channel);
	/* A barrier: poll puts itself into the queue, and then looks for the channel. */
	if (wq_has_sleeper(&handle->unbound))
		wake_up_all(&handle->unbound);
	else
		offsched_poll_end(handle, channel);
}

/*
 * Asks the core to ring when there is mail, or room; look again afterwards. The
 * request stays until the core takes it: one ring too many does no harm, also to
 * the channel's next client, if it was closed just now.
 */
void offsched_handle_ask(struct offsched_handle *handle, u32 kinds)
{
	atomic_or(kinds, (atomic_t *)handle->end.own);
	smp_mb__after_atomic();
}

/* Asks in any case, so that edge-triggered epoll hears of what comes after this. */
__poll_t offsched_poll(struct file *file, struct poll_table_struct *table)
{
	struct offsched_handle *handle = file->private_data;
	struct offsched_channel *channel = offsched_handle_channel(handle);
	__poll_t wanted = poll_requested_events(table), ready = 0;
	const struct offsched_end *end = &handle->end;
	u32 kinds = 0;

	if (!channel) {
		poll_wait(file, &handle->unbound, table);
		smp_mb();	/* pairs with offsched_poll_begin */
		channel = offsched_handle_channel(handle);
	}
	if (!channel)
		return EPOLLERR;
	poll_wait(file, &channel->wait, table);
	if (READ_ONCE(handle->run->over) || !offsched_handle_open(handle))
		return EPOLLHUP | EPOLLERR;
	if (wanted & (EPOLLIN | EPOLLRDNORM))
		kinds |= OFFSCHED_WAKE_MAIL;
	if (wanted & (EPOLLOUT | EPOLLWRNORM))
		kinds |= OFFSCHED_WAKE_ROOM;
	offsched_handle_ask(handle, kinds);
	if (offsched_ring_mail(&end->rx.ring, handle->epoch))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (offsched_ring_room(&end->tx.ring, handle->epoch,
			       handle->run->service[channel->service].rx_size))
		ready |= EPOLLOUT | EPOLLWRNORM;
	/* The core ended between the first look and the request: nobody will ring. */
	return READ_ONCE(handle->run->over) ? EPOLLHUP | EPOLLERR : ready;
}
