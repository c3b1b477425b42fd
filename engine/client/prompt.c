// SPDX-License-Identifier: BSD-3-Clause
// The prompt: commands typed at a terminal. The client's thread.
#include "engine/client/prompt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/version.h"
#include "engine/client/client_run.h"
#include "engine/client/complete.h"
#include "engine/client/editor.h"

#define PROMPT "crowfly> "

static struct editor *on_terminal; // whose modes a deadly signal gives back

struct editor *prompt_editor_new(int in, int out)
{
	return editor_new(in, out, PROMPT, complete_line);
}

void prompt_run(struct client *client, struct editor *editor)
{
	char line[EDITOR_LINE_MAX];

	client->where = "";
	client->stdin_is_commands = true;
	while (!client->quit && editor_read(editor, line) == EDITOR_LINE) {
		client->interrupted = 0;
		client_run_line(client, line);
		if (client->interrupted)
			fputc('\n', client->out); // behind the terminal's ^C
		fflush(client->out);
		fflush(client->err);
	}
	// Errors have been seen: how the last command went is not how the prompt ended
	client->status = CLIENT_OK;
}

static void on_deadly(int number)
{
	editor_restore(on_terminal);
	signal(number, SIG_DFL);
	raise(number);
}

void prompt_run_terminal(struct client *client)
{
	struct editor *editor = prompt_editor_new(STDIN_FILENO, STDOUT_FILENO);

	if (!editor) {
		client_fail(client, CLIENT_FAILED, "no prompt: %s", strerror(errno));
		return;
	}
	client_run_catch(client);
	on_terminal = editor;
	signal(SIGTERM, on_deadly);
	signal(SIGHUP, on_deadly);
	fprintf(client->out,
		"crowfly %s: Tab and ? show what may follow, help lists all, quit ends\n", VERSION);
	fflush(client->out);
	prompt_run(client, editor);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	editor_free(editor);
}
