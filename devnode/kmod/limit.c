// SPDX-License-Identifier: GPL-2.0
/*
 * Who may bind which service. A service that no limit names is for everybody who
 * can open the node; one with limits is for the members of any of their groups,
 * and for who may administer the system.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#include "internal.h"

struct offsched_allowed {
	u8 service[OFFSCHED_NAME_BYTES];
	kgid_t group;
};

/* Under offsched_lock, before the start: nobody looks yet. */
int offsched_limit_add(struct offsched_run *run, const struct offsched_limit *limit)
{
	struct offsched_allowed *place;
	kgid_t group = make_kgid(current_user_ns(), limit->gid);

	if (limit->reserved || !limit->service[0] || !gid_valid(group))
		return -EINVAL;
	if (run->limits == OFFSCHED_LIMITS_MAX)
		return -ENOSPC;
	place = krealloc_array(run->limit, run->limits + 1, sizeof(*place), GFP_KERNEL);
	if (!place)
		return -ENOMEM;
	run->limit = place;
	place += run->limits++;
	memcpy(place->service, limit->service, sizeof(place->service));
	place->group = group;
	return 0;
}

/* ENOENT: a limit of no service, such as one whose name has a slip in it, would limit nothing. */
int offsched_limit_check(struct offsched_run *run)
{
	u32 i;

	for (i = 0; i < run->limits; i++)
		if (!offsched_service_find(run, run->limit[i].service))
			return -ENOENT;
	return 0;
}

/* Whether the caller may bind the service. */
bool offsched_limit_passes(struct offsched_run *run, const struct offsched_service_entry *service)
{
	bool limited = false;
	u32 i;

	for (i = 0; i < run->limits; i++) {
		const struct offsched_allowed *allowed = run->limit + i;

		if (memcmp(allowed->service, service->name, sizeof(allowed->service)))
			continue;
		if (in_egroup_p(allowed->group))
			return true;
		limited = true;
	}
	return !limited || capable(CAP_SYS_ADMIN);
}
