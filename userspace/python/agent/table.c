/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - pointers by pointer, open addressing. */
#include "agent.h"

static bool table_make(struct table *table, uint32_t size)
{
	struct table made = {.mask = size - 1};
	struct slot *slot;

	made.slots = PyMem_Malloc(size * sizeof(struct slot));
	if (!made.slots)
		return false;
	__builtin_memset(made.slots, 0, size * sizeof(struct slot));
	for (uint32_t i = 0; table->slots && i <= table->mask; i++) {
		if (!table->slots[i].key)
			continue;
		slot = table_slot(&made, table->slots[i].key);
		*slot = table->slots[i];
		made.used++;
	}
	if (table->slots)
		PyMem_Free(table->slots);
	*table = made;
	return true;
}

bool table_grow(struct table *table, uint32_t max)
{
	if (table->slots && table->used * 2 < table->mask)
		return true;
	if (table->used >= max)
		return false;
	return table_make(table, table->slots ? (table->mask + 1) * 2 : 256);
}

/* The entries behind a removed one move up, so that no mark stays. */
void *table_take(struct table *table, const void *key)
{
	struct slot *slot = table->slots ? table_slot(table, key) : NULL;
	uint32_t hole, at, home;
	void *ret;

	if (!slot || !slot->key)
		return NULL;
	ret = slot->value;
	hole = (uint32_t)(slot - table->slots);
	for (at = (hole + 1) & table->mask; table->slots[at].key; at = (at + 1) & table->mask) {
		home = table_home(table, table->slots[at].key);
		if (((at - home) & table->mask) < ((at - hole) & table->mask))
			continue;
		table->slots[hole] = table->slots[at];
		hole = at;
	}
	table->slots[hole] = (struct slot){0};
	table->used--;
	return ret;
}

void table_empty(struct table *table, bool keys)
{
	struct table old = *table;

	*table = (struct table){0};
	for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
		if (keys)
			py_drop(old.slots[i].key);
		py_drop(old.slots[i].value);
	}
	if (old.slots)
		PyMem_Free(old.slots);
}
