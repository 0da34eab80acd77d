// SPDX-License-Identifier: GPL-2.0
/* Clients inside the kernel: messages from any context, replies by callback. */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"
#include "offsched_kernel.h"

/* Replies handled in one go; others' work comes in between. */
#define REPLIES_MAX	64

struct offsched_client {
	struct offsched_run *run;
	struct offsched_channel *channel;
	u16 epoch;
	const struct offsched_client_operations *operations;
	void *context;
	raw_spinlock_t sending;		/* end.tx */
	struct offsched_end end;
	wait_queue_entry_t wait;
	struct work_struct work;	/* end.rx */
	bool told;			/* that it is gone */
	void *buffer;			/* for the longest message that the ring takes */
	size_t size;
};

static void ask_for_mail(struct offsched_client *client)
{
	atomic_or(OFFSCHED_WAKE_MAIL, (atomic_t *)client->end.own);
	smp_mb__after_atomic();
}

static void tell_gone(struct offsched_client *client)
{
	if (!client->told && client->operations->gone)
		client->operations->gone(client->context);
	client->told = true;
}

/* Takes what there is, asks for the next ring, and looks once more. */
static void on_work(struct work_struct *work)
{
	struct offsched_client *client = container_of(work, struct offsched_client, work);
	bool asked = false;
	int i, len = 0;

	for (i = 0; i < REPLIES_MAX; i++) {
		len = offsched_end_pop(&client->end, client->buffer, client->size);
		offsched_end_release(&client->end);
		if (len >= 0) {
			client->operations->reply(client->context, client->buffer, len);
		} else if (len == -EAGAIN && !asked) {
			ask_for_mail(client);
			asked = true;
		} else {
			break;
		}
	}
	/* Asked in the last turn, it has not looked again: what came just before makes no ring. */
	if (len >= 0 || i == REPLIES_MAX)
		schedule_work(work);
	else if (len != -EAGAIN || READ_ONCE(client->run->over))
		tell_gone(client);
}

/* The core rang. */
static int on_wake(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key)
{
	schedule_work(&container_of(wait, struct offsched_client, wait)->work);
	return 0;
}

static struct offsched_client *client_new(struct offsched_run *run,
					  const struct offsched_client_operations *operations,
					  void *context)
{
	struct offsched_client *client = kzalloc(sizeof(*client), GFP_KERNEL);

	if (!client)
		return NULL;
	client->run = run;
	client->operations = operations;
	client->context = context;
	raw_spin_lock_init(&client->sending);
	INIT_WORK(&client->work, on_work);
	init_waitqueue_func_entry(&client->wait, on_wake);
	return client;
}

static void channel_close(struct offsched_client *client)
{
	if (offsched_channel_cut(client->run, client->channel, client->epoch))
		offsched_channel_free(client->run, client->channel, client->epoch);
}

/* A free channel of the service, if its messages are of these types. */
static int channel_open(struct offsched_run *run, const char *name, u64 send_type, u64 recv_type,
			struct offsched_channel **channel)
{
	const struct offsched_service_entry *service;
	u8 padded[OFFSCHED_NAME_BYTES] = { 0 };

	if (strlen(name) > sizeof(padded))
		return -ENOENT;
	memcpy(padded, name, strlen(name));
	if (!smp_load_acquire(&run->live))
		return -ENODEV;
	service = offsched_service_find(run, padded);
	if (!service)
		return -ENOENT;
	if (!offsched_service_takes(service, send_type, recv_type))
		return -EPROTOTYPE;
	return offsched_channel_open(run, padded, channel);
}

static int client_open(struct offsched_client *client, struct offsched_channel *channel)
{
	struct offsched_run *run = client->run;
	int ret;

	client->channel = channel;
	client->epoch = offsched_word_epoch(channel->word);
	ret = offsched_end_attach(&client->end, &channel->word, run->view + channel->offset,
				  run->service + channel->service, client->epoch);
	if (!ret) {
		client->size = offsched_max_frame(&client->end.rx.ring);
		client->buffer = kvmalloc(client->size, GFP_KERNEL);
		ret = client->buffer ? 0 : -ENOMEM;
	}
	if (ret)
		channel_close(client);
	return ret;
}

struct offsched_client *offsched_bind(unsigned int cpu, const char *service, u64 send_type,
				      u64 recv_type,
				      const struct offsched_client_operations *operations,
				      void *context)
{
	struct offsched_core *core = offsched_core_find(cpu);
	struct offsched_run *run = IS_ERR(core) ? NULL : offsched_run_get(core);
	struct offsched_channel *channel;
	struct offsched_client *client;
	int ret = -ENOMEM;

	if (!run)
		return ERR_PTR(-ENODEV);
	client = client_new(run, operations, context);
	if (client)
		ret = channel_open(run, service, send_type, recv_type, &channel);
	if (!ret)
		ret = client_open(client, channel);
	if (ret) {
		offsched_run_put(run);
		kfree(client);
		return ERR_PTR(ret);
	}
	add_wait_queue(&client->channel->wait, &client->wait);
	/* The first look asks for the first ring. */
	schedule_work(&client->work);
	return client;
}
EXPORT_SYMBOL_GPL(offsched_bind);

int offsched_send(struct offsched_client *client, const void *message, size_t bytes)
{
	const struct offsched_run *run = client->run;
	unsigned long flags;
	bool ring;
	int ret;

	if (!offsched_service_fits(&run->service[client->channel->service], bytes))
		return -EMSGSIZE;
	if (READ_ONCE(run->over))
		return -EIO;
	raw_spin_lock_irqsave(&client->sending, flags);
	ret = offsched_end_push(&client->end, message, bytes);
	ring = offsched_end_flush(&client->end);
	raw_spin_unlock_irqrestore(&client->sending, flags);
	if (ring)
		offsched_wake_core(client->run);
	return ret;
}
EXPORT_SYMBOL_GPL(offsched_send);

void offsched_close(struct offsched_client *client)
{
	remove_wait_queue(&client->channel->wait, &client->wait);
	cancel_work_sync(&client->work);
	channel_close(client);
	offsched_run_put(client->run);
	kvfree(client->buffer);
	kfree(client);
}
EXPORT_SYMBOL_GPL(offsched_close);
