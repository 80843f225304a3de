/* SPDX-License-Identifier: MIT */
/* schema/catalogue.h - how many fields the catalogue has, for tables over all of them. */
#ifndef FL_SCHEMA_CATALOGUE_H
#define FL_SCHEMA_CATALOGUE_H

#include "flowlog/field.h"

#define FL_ONE_MORE(number, id, name, version, type, meaning) +1
enum { FL_FIELDS = FLOWLOG_FIELD_MAP(FL_ONE_MORE) };
#undef FL_ONE_MORE

/* The longest spelling of a field that flowlog_field_find knows: "ecs-container-instance-arn". */
#define FL_FIELD_NAME_MAX 26

#endif
