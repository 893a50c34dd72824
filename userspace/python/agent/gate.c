/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c - nobody traces: armed functions do nothing, and after a while they take themselves back.
 *
 * The tracer may have been killed, so nobody will come to disarm. An armed function that is called
 * later than idle_max after the gate closed restores itself and all others.
 */
#include "agent.h"

#define RESCAN_NS 1000000000ULL

static bool call_ours(struct py *function)
{
	struct py *type, *value, *traceback, *ret;

	PyErr_Fetch(&type, &value, &traceback);
	ret = PyObject_CallObject(function, NULL);
	if (!ret)
		PyErr_Clear();
	py_drop(ret);
	PyErr_Restore(type, value, traceback);
	return ret != NULL;
}

bool gate_open(void)
{
	uint64_t now;

	if (is_traced()) {
		state.idle_since_ns = 0;
		return true;
	}
	if (!state.restore || state.restoring)
		return false;
	now = clock_now();
	if (!state.idle_since_ns)
		state.idle_since_ns = now;
	if (now - state.idle_since_ns < state.idle_max_ns)
		return false;
	state.restoring = true;
	if (!call_ours(state.restore))
		state.idle_since_ns = now; /* at the recursion limit, say: later then */
	state.restoring = false;
	return false;
}

/* Classes and registry entries that came since: at most 2 % of the time goes into looking. */
void gate_rescan(void)
{
	uint64_t begin = clock_now(), took;

	if (begin < state.rescan_ns || state.restoring)
		return;
	state.rescan_ns = UINT64_MAX; /* not by a call inside it */
	call_ours(state.rescan);
	took = clock_now() - begin;
	state.rescan_ns = begin + (took * 50 > RESCAN_NS ? took * 50 : RESCAN_NS);
}
