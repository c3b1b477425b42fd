// SPDX-License-Identifier: BSD-3-Clause
// Matches words with a pattern: compiles it to a little program, and runs that on all its ways at
// once. No state; any thread.
#include "engine/client/pattern.h"

#include <ctype.h>
#include <string.h>

#include "engine/client/placeholder.h"

#define CODE_MAX    96
#define THREADS_MAX 24
#define ALTS_MAX    16
#define DEPTH_MAX   64

enum op {
	OP_WORD,  // text
	OP_PLACE, // text
	OP_SPLIT, // goes on at a and at b
	OP_JUMP,  // to a
	OP_ONCE,  // ends here if group a was entered before
	OP_END,
};

struct instruction {
	enum op op;
	const char *text;
	unsigned length, a, b;
};

struct program {
	struct instruction code[CODE_MAX];
	unsigned n, groups, depth;
	bool bad;
};

// ---- compiling

static unsigned emit(struct program *p, enum op op, unsigned a, unsigned b)
{
	if (p->n == CODE_MAX) {
		p->bad = true;
		return CODE_MAX - 1;
	}
	p->code[p->n] = (struct instruction){.op = op, .a = a, .b = b};
	return p->n++;
}

static const char *compile_sequence(struct program *p, const char *at);

static const char *expect(struct program *p, const char *at, char c)
{
	p->bad |= *at != c;
	return *at == c ? at + 1 : at + strlen(at);
}

// (a|b|c)
static const char *compile_choice(struct program *p, const char *at)
{
	unsigned jumps[ALTS_MAX], n = 0;

	for (;;) {
		unsigned split = emit(p, OP_SPLIT, p->n + 1, 0);

		at = compile_sequence(p, at + 1);
		if (n < ALTS_MAX)
			jumps[n++] = emit(p, OP_JUMP, 0, 0);
		else
			p->bad = true;
		p->code[split].b = p->n;
		if (*at == '|')
			continue;
		p->code[split] = (struct instruction){.op = OP_JUMP, .a = split + 1};
		for (unsigned i = 0; i < n; i++)
			p->code[jumps[i]].a = p->n;
		return expect(p, at, ')');
	}
}

// [a] [b] [c]: in any order, each once
static const char *compile_options(struct program *p, const char *at)
{
	unsigned again = p->n;

	while (*at == '[') {
		unsigned split = emit(p, OP_SPLIT, p->n + 1, 0);

		emit(p, OP_ONCE, p->groups++, 0);
		at = expect(p, compile_sequence(p, at + 1), ']');
		emit(p, OP_JUMP, again, 0);
		p->code[split].b = p->n;
		at += strspn(at, " ");
	}
	p->bad |= p->groups > 32;
	return at;
}

static const char *compile_word(struct program *p, const char *at)
{
	unsigned length = (unsigned)strcspn(at, " ()[]|.");
	unsigned i = emit(p, isupper((unsigned char)*at) ? OP_PLACE : OP_WORD, 0, 0);

	p->code[i].text = at;
	p->code[i].length = length;
	p->bad |= length == 0;
	at += length;
	if (strncmp(at, "...", 3) == 0) {
		emit(p, OP_SPLIT, i, p->n + 1);
		at += 3;
	}
	return length ? at : at + strlen(at);
}

static const char *compile_sequence(struct program *p, const char *at)
{
	p->bad |= ++p->depth > DEPTH_MAX;
	while (!p->bad) {
		at += strspn(at, " ");
		if (!*at || *at == '|' || *at == ')' || *at == ']')
			break;
		if (*at == '(')
			at = compile_choice(p, at);
		else if (*at == '[')
			at = compile_options(p, at);
		else
			at = compile_word(p, at);
	}
	return at;
}

// ---- running

struct thread {
	unsigned pc;
	uint32_t used; // groups entered
	struct pattern_args args;
};

struct threads {
	unsigned n;
	struct thread list[THREADS_MAX];
};

// Follows the ways from `t` up to instructions that take a word.
static void add(const struct program *p, struct threads *threads, struct thread *t)
{
	const struct instruction *i = &p->code[t->pc];
	uint32_t used = t->used;

	switch (i->op) {
	case OP_ONCE:
		if (used & (1u << i->a))
			return;
		t->used |= 1u << i->a;
		t->pc++;
		add(p, threads, t);
		break;
	case OP_SPLIT:
		t->pc = i->a;
		add(p, threads, t);
		t->used = used;
		t->pc = i->b;
		add(p, threads, t);
		break;
	case OP_JUMP:
		t->pc = i->a;
		add(p, threads, t);
		break;
	default:
		if (threads->n < THREADS_MAX)
			threads->list[threads->n++] = *t;
	}
	t->used = used;
}

static bool takes(const struct instruction *i, const char *word)
{
	if (i->op == OP_WORD)
		return strlen(word) == i->length && strncmp(word, i->text, i->length) == 0;
	return i->op == OP_PLACE && placeholder_fits(i->text, i->length, word);
}

static void note_arg(struct pattern_args *args, const struct instruction *i, const char *word)
{
	struct pattern_arg *before = args->n ? &args->args[args->n - 1] : NULL;
	struct pattern_arg *arg = &args->args[args->n++];

	*arg = (struct pattern_arg){
		.name = i->text, .length = i->length, .value = word, .fixed = i->op == OP_WORD};
	if (before && before->fixed) {
		arg->after = before->name;
		arg->after_length = before->length;
	}
}

// The threads that take the word; those that do so as a fixed word exclude the others.
static void step(
	const struct program *p, const struct threads *from, const char *word, struct threads *to)
{
	enum op op = OP_PLACE;

	to->n = 0;
	for (unsigned t = 0; t < from->n; t++) {
		const struct instruction *i = &p->code[from->list[t].pc];

		if (i->op == OP_WORD && takes(i, word))
			op = OP_WORD;
	}
	for (unsigned t = 0; t < from->n; t++) {
		const struct instruction *i = &p->code[from->list[t].pc];
		struct thread next;

		if (i->op != op || !takes(i, word))
			continue;
		next = from->list[t];
		note_arg(&next.args, i, word);
		next.pc++;
		add(p, to, &next);
	}
}

static void note_expected(
	const struct program *p, const struct threads *threads, struct pattern_match *match)
{
	for (unsigned t = 0; t < threads->n; t++) {
		const struct instruction *i = &p->code[threads->list[t].pc];
		struct pattern_token token = {i->text, i->length, NULL, 0, i->op == OP_WORD};

		if (i->op == OP_WORD && i[1].op == OP_PLACE) {
			token.next = i[1].text;
			token.next_length = i[1].length;
		}
		if (match->n_expected < PATTERN_EXPECTED_MAX)
			match->expected[match->n_expected++] = token;
	}
}

static bool compile(struct program *p, const char *pattern)
{
	const char *end = compile_sequence(p, pattern);

	emit(p, OP_END, 0, 0);
	return !p->bad && !*end;
}

void pattern_match(
	const char *pattern, char *const words[], unsigned n, struct pattern_match *match)
{
	struct program program = {0};
	struct threads lists[2];
	struct threads *now = &lists[0], *next = &lists[1], *swap;
	struct thread start = {0};

	memset(match, 0, sizeof(*match));
	if (n > PATTERN_WORDS_MAX || !compile(&program, pattern))
		return;
	match->good = true;
	now->n = 0;
	add(&program, now, &start);
	for (; match->matched < n; match->matched++) {
		step(&program, now, words[match->matched], next);
		if (next->n == 0)
			break;
		swap = now;
		now = next;
		next = swap;
	}
	note_expected(&program, now, match);
	for (unsigned t = 0; t < now->n && match->matched == n && !match->whole; t++) {
		match->whole = program.code[now->list[t].pc].op == OP_END;
		if (match->whole)
			match->args = now->list[t].args;
	}
}

// ---- what was given

static bool is(const char *text, unsigned length, const char *name)
{
	return text && strlen(name) == length && strncmp(text, name, length) == 0;
}

const char *pattern_arg_text(const struct pattern_args *args, const char *name)
{
	for (unsigned i = 0; i < args->n; i++) {
		const struct pattern_arg *arg = &args->args[i];

		if (!arg->fixed && (is(arg->name, arg->length, name) ||
					   is(arg->after, arg->after_length, name)))
			return arg->value;
	}
	return NULL;
}

bool pattern_arg_has(const struct pattern_args *args, const char *name)
{
	for (unsigned i = 0; i < args->n; i++)
		if (is(args->args[i].name, args->args[i].length, name))
			return true;
	return false;
}
