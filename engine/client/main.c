// SPDX-License-Identifier: BSD-3-Clause
// crowfly: the command-line client of the engine's and the agent's sockets.
#include "engine/client/client.h"

int main(int argc, char **argv)
{
	return client_run(argc, argv, stdout, stderr);
}
