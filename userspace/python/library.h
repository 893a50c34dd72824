/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library.h - one mapped ELF file searched for the names of an interpreter. Hostile input: every
 * size is capped. Control thread.
 */
#ifndef WF_PYTHON_LIBRARY_H
#define WF_PYTHON_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/err.h"
#include "userspace/target/target.h"

/* What is called or named in the interpreter, by address. */
enum wf_python_symbol {
	WF_PY_DICT_NEW,
	WF_PY_RUN_STRING,
	WF_PY_DEC_REF,
	WF_PY_ERR_CLEAR,
	WF_PY_ERR_OCCURRED,
	WF_PY_ERR_MATCHES,
	WF_PY_EXCEPTION, /* a variable */
	WF_PY_SYMBOLS,
};

/* Unused end of a last page of code that stays mapped for as long as the process lives. */
struct wf_python_room {
	uint64_t address;
	uint32_t bytes;
};

/* Addresses in the process; 0 = not there. */
struct wf_library {
	uint64_t runtime, runtime_bytes;
	uint64_t symbols[WF_PY_SYMBOLS];
	uint64_t list_type; /* PyList_Type */
	uint64_t version;   /* Py_Version, 3.11 on */
	uint64_t run_main;  /* Py_RunMain: place in the file; 3.8 on */
	unsigned minor;     /* of 3.minor, told by the names it has; 0 = unknown */
	bool is_python;     /* some CPython, perhaps without _PyRuntime */
	bool runs_main; /* has Py_RunMain, or calls it or what calls that: a python, or a part of
			   one */
	bool is_pypy;
	bool imports_memfd;
	uint16_t machine;
	char soname[64];
	struct wf_python_room room; /* bytes 0 = none */
};

/* -ENOENT: not ELF, or nothing that could be read. */
int wf_library_read(const struct wf_mapping *mapping, struct wf_library *ret);

#endif
