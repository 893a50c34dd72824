/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver.c - an OTLP/http receiver that takes everything and looks at nothing, so that the
 * collector alone is measured. Says `ready PORT`; when stdin ends, `received REQUESTS BYTES`.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32
#define HEAD_MAX        8192

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
			     "Content-Length: 0\r\n\r\n";

struct connection {
	char head[HEAD_MAX + 1];
	size_t head_len, body_left;
};

static unsigned long requests, bytes;

static int listen_local(unsigned short *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(fd, CONNECTIONS_MAX) || getsockname(fd, (struct sockaddr *)&address, &len)) {
		perror("listen");
		exit(1);
	}
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static size_t content_length(const char *head)
{
	for (const char *line = head; (line = strstr(line, "\r\n")); line += 2)
		if (strncasecmp(line + 2, "content-length:", 15) == 0)
			return strtoul(line + 17, NULL, 10);
	return 0;
}

static int finish(int fd)
{
	requests++;
	return write(fd, answer, sizeof(answer) - 1) < 0 ? -1 : 0;
}

/* Take bytes of a request's head; returns how many, 0 at its end with body_left set. */
static int take_head(struct connection *c, int fd, const char *data, size_t len, size_t *ret_taken)
{
	size_t room = HEAD_MAX - c->head_len, old = c->head_len;
	char *end;

	if (!room)
		return -1;
	*ret_taken = len < room ? len : room;
	memcpy(c->head + old, data, *ret_taken);
	c->head_len += *ret_taken;
	c->head[c->head_len] = '\0';
	end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return 0;
	*ret_taken = (size_t)(end + 4 - c->head) - old;
	c->body_left = content_length(c->head);
	c->head_len = 0;
	return c->body_left ? 0 : finish(fd);
}

static int take(struct connection *c, int fd)
{
	static char data[256 * 1024];
	ssize_t got = read(fd, data, sizeof(data));
	size_t at = 0, taken = 0;

	if (got <= 0)
		return -1;
	bytes += (size_t)got;
	while (at < (size_t)got) {
		size_t left = (size_t)got - at;

		if (!c->body_left) {
			if (take_head(c, fd, data + at, left, &taken))
				return -1;
		} else {
			taken = c->body_left < left ? c->body_left : left;
			c->body_left -= taken;
			if (!c->body_left && finish(fd))
				return -1;
		}
		at += taken;
	}
	return 0;
}

int main(void)
{
	static struct connection connections[CONNECTIONS_MAX + 2];
	struct pollfd fds[CONNECTIONS_MAX + 2];
	unsigned short port;
	nfds_t count = 2;

	fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = listen_local(&port), .events = POLLIN};
	printf("ready %d\n", port);
	fflush(stdout);
	while (poll(fds, count, -1) >= 0 && !fds[0].revents) {
		if (fds[1].revents && count < CONNECTIONS_MAX + 2) {
			fds[count] = (struct pollfd){.fd = accept(fds[1].fd, NULL, NULL),
						     .events = POLLIN};
			memset(&connections[count++], 0, sizeof(*connections));
			continue;
		}
		for (nfds_t i = 2; i < count; i++) {
			if (!fds[i].revents || take(&connections[i], fds[i].fd) == 0)
				continue;
			close(fds[i].fd);
			fds[i] = fds[--count];
			connections[i] = connections[count];
			break;
		}
	}
	printf("received %lu %lu\n", requests, bytes);
	return 0;
}
