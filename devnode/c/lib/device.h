/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* An open device. */
#ifndef OFFSCHED_DEVICE_H
#define OFFSCHED_DEVICE_H

#include "region.h"

struct offsched_device {
	const struct node *node;
	struct region region;	/* as it was when the device was opened */
	uint32_t cpu;		/* of the kernel's device */
	char path[];
};

#endif
