/* SPDX-License-Identifier: MIT */
/* commands.h - the commands: each takes its options and returns the exit status. */
#ifndef COMMAND_COMMANDS_H
#define COMMAND_COMMANDS_H

#include "options.h"

int command_summary(const struct options *options);
int command_cat(const struct options *options);
int command_top(const struct options *options);
int command_group(const struct options *options);
int command_merge(const struct options *options);
int command_diagnose(const struct options *options);
int command_fields(const struct options *options);

#endif
