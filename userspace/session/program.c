/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define HEAD_BYTES 256 /* what the kernel reads of a script */
#define LEVELS_MAX 5   /* of interpreters, as in the kernel */

static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

int wf_program_find(const char *command, const char *search, char *out, size_t size)
{
	int result = -ENOENT;

	if (!*command)
		return -ENOENT;
	if (strchr(command, '/')) {
		if ((size_t)snprintf(out, size, "%s", command) >= size)
			return -ENAMETOOLONG;
		return check_file(out);
	}
	if (!search)
		search = "/bin:/usr/bin";
	while (true) {
		int len = (int)strcspn(search, ":");
		/* An empty entry is the current directory. */
		int written =
			snprintf(out, size, "%.*s/%s", len ? len : 1, len ? search : ".", command);
		int rc = (size_t)written < size ? check_file(out) : -ENAMETOOLONG;

		if (!rc)
			return 0;
		/* A directory of PATH that this user may not enter says nothing. */
		if (rc == -EACCES && access(out, F_OK) == 0)
			result = rc;
		if (!search[len])
			return result;
		search += len + 1;
	}
}

static ssize_t read_head(const char *path, char *head, size_t size)
{
	wf_auto(wf_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, head, size - 1);
	if (len < 0)
		return -errno;
	head[len] = 0;
	return len;
}

/* The next word of a #! line in place, NULL at its end. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");

	if (!*word)
		return NULL;
	*line = word + strcspn(word, " \t");
	if (**line)
		*(*line)++ = 0;
	return word;
}

/* What `env` will run: the first word that is neither an option nor a variable. */
static const char *env_command(char *line)
{
	char *word;

	while ((word = next_word(&line))) {
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

/* One step from a script's head to what interprets it. False where it stays as it is. */
static bool interpreter(char *head, const char *search, char *path, size_t size)
{
	char *line = head + 2, *word;

	line[strcspn(line, "\n")] = 0;
	word = next_word(&line);
	if (!word)
		return false;
	if (!strcmp(wf_base_name(word), "env")) {
		const char *command = env_command(line);

		if (command && !wf_program_find(command, search, path, size))
			return true;
	}
	snprintf(path, size, "%s", word);
	return true;
}

int wf_program_image(const char *path, const char *search, char **ret, struct wf_err *err)
{
	char file[PATH_MAX], head[HEAD_BYTES + 1];

	if ((size_t)snprintf(file, sizeof(file), "%s", path) >= sizeof(file))
		return wf_err_set(err, ENAMETOOLONG, "the path of the command is too long");
	for (int level = 0; level < LEVELS_MAX; level++) {
		ssize_t len = read_head(file, head, sizeof(head));

		/* What cannot be read may still be executable. */
		if (len < 4 || !memcmp(head, "\177ELF", 4))
			break;
		if (head[0] == '#' && head[1] == '!') {
			if (!interpreter(head, search, file, sizeof(file)))
				break;
			continue;
		}
		/* Neither: execvp gives it to the shell. */
		snprintf(file, sizeof(file), "/bin/sh");
	}
	*ret = strdup(file);
	return *ret ? 0 : wf_err_set(err, ENOMEM, "out of memory");
}
