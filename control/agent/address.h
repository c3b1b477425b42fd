// SPDX-License-Identifier: BSD-3-Clause
// Addresses as text: "10.0.0.1:5061", "[2001:db8::1]:5061". Any thread.
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#define ADDRESS_MAX 64 // an address with port as text, and the NUL

int address_parse(const char *text, struct sockaddr_storage *out);	// "IP:PORT"; 0 or -EINVAL
int address_parse_ip(const char *text, struct sockaddr_storage *out);	// "IP", port 0
void address_format(const struct sockaddr_storage *address, char *out); // ADDRESS_MAX bytes
// Only the IP, an IPv6 one in brackets if wanted.
void address_format_ip(const struct sockaddr_storage *address, bool brackets, char *out);
unsigned address_port(const struct sockaddr_storage *address);
void address_set_port(struct sockaddr_storage *address, unsigned port);
socklen_t address_length(const struct sockaddr_storage *address);
bool address_is_any(const struct sockaddr_storage *address);
bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
