#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The three daemons and a service manager: ready when they are, the watchdog, SIGTERM with and without a drain, SIGHUP. All
# have /dev/null as standard input. The engine is at a, the agent at b, the access server at s.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
pki
start manager s "$here/manager.py" listen "$tmp/manager.sock"
wait_for 5 "manager listens" logged manager listening
export NOTIFY_SOCKET=$tmp/manager.sock
# told TEXT: how often the daemons have told it since `forget`
told() { grep -cx -- "$1" "$tmp/manager.log" || true; }
was_told() { [ "$(told "$1")" -ge "${2:-1}" ]; }
# The manager appends
forget() { : >"$tmp/manager.log"; }

# ---- the engine: ready, fed while its worker moves, sessions drained

session() {
	rpc engine-a session.add "{\"wire\":{\"local\":\"10.77.0.2:$1\",\"remote\":\"10.77.0.3:20000\"},
		\"host\":{\"local\":\"$engine_ip:$(($1 + 10000))\",\"remote\":\"$app_ip:40000\"},\"suite\":\"AES_CM_128_HMAC_SHA1_80\",
		\"tx_key\":\"$(head -c 30 /dev/urandom | base64)\",\"rx_key\":\"$(head -c 30 /dev/urandom | base64)\"}"
}
# engine_draining SECONDS: starts it, with one session
engine_draining() {
	forget
	engine a --drain-timeout "$1" --config "$tmp/engine.conf"
	wait_for 5 "READY of the engine" was_told READY=1
	wait_for 5 "its log says so" logged engine-a "ready, API at"
	id=$(session 20000 | jq -e .id)
}

printf '[engine]\nlog-level = notice\n' >"$tmp/engine.conf"
export WATCHDOG_USEC=1000000
engine_draining 60
wait_for 5 "watchdog fed" was_told WATCHDOG=1 4
comm=$(cat "/proc/${pids[engine-a]}/task/"*/comm | grep -i -m 1 worker)
mkfifo "$tmp/hold"
"$here/manager.py" hold "${pids[engine-a]}" "$comm" <"$tmp/hold" >"$tmp/hold.log" 2>&1 8>&- 9>&- &
pids[hold]=$!
exec 7>"$tmp/hold"
wait_for 5 "the worker is held" logged hold held
wait_for 5 "it is missed" logged engine-a "error: worker 0 does not move"
forget
sleep 1.2
is "watchdog fed while a worker stands still" "$(told WATCHDOG=1)" 0
exec 7>&-
wait_for 5 "watchdog fed again" was_told WATCHDOG=1 2
finished hold
unset WATCHDOG_USEC

reloads() { [ "$(grep -c "SIGHUP: the file is read again" "$tmp/engine-a.log")" -ge "$1" ]; }
kill -HUP "${pids[engine-a]}"
wait_for 5 "reloaded" reloads 1
logged engine-a "notice: SIGHUP: the file is read again, nothing has changed$" || fail "it does not tell that nothing has changed"
echo 'log-level = loud' >>"$tmp/engine.conf"
kill -HUP "${pids[engine-a]}"
wait_for 5 "a bad file" logged engine-a "SIGHUP: nothing is changed: .*engine.conf:3"
printf '[engine]\nlog-level = error\n' >"$tmp/engine.conf"
echo 'sessions = 77' >>"$tmp/engine.conf"
kill -HUP "${pids[engine-a]}"
wait_for 5 "to errors alone" reloads 2
logged engine-a "warning: SIGHUP: the file is read again, in force now: log-level; after a restart only: sessions$" ||
	fail "it does not tell what has changed"
wait_for 5 "told" was_told RELOADING=1 3
at_least "READY after each reload" "$(told READY=1)" 2
kill -HUP "${pids[engine-a]}"
wait_for 5 "told" was_told RELOADING=1 4
sleep 0.2
reloads 3 && fail "a notice at level error"

is "draining before SIGTERM" "$(rpc engine-a info | jq .draining)" false
forget
kill -TERM "${pids[engine-a]}"
wait_for 5 "STOPPING" was_told STOPPING=1
wait_for 5 "how long it takes" was_told EXTEND_TIMEOUT_USEC=90000000
is "draining after SIGTERM" "$(rpc engine-a info | jq .draining)" true
refusal=$(session 20002 || true)
is "a session while draining" "$(jq -r '"\(.code) \(.message)"' <<<"$refusal")" \
	"-32005 the engine is draining: it takes no new sessions"
sleep 0.5
alive engine-a || fail "it has not waited for its session"
rpc engine-a session.update "{\"id\":$id,\"direction\":\"sendonly\"}" >/dev/null
rpc engine-a session.remove "{\"id\":$id}" >/dev/null
finished engine-a 5
is "status after the drain" "$ended" 0

printf '[engine]\n' >"$tmp/engine.conf"
engine_draining 1
stop engine-a
is "status after the deadline" "$ended" 0
logged engine-a "drain-timeout: sessions cut off: 1" || fail "the log does not tell of the deadline"
engine_draining 60
kill -TERM "${pids[engine-a]}"
wait_for 5 "STOPPING" was_told STOPPING=1
alive engine-a
stop engine-a
is "status after the second SIGTERM" "$ended" 0
logged engine-a "SIGTERM again: stopping at once" || fail "the log does not tell of the second SIGTERM"

# ---- the access server: ready, fed, another certificate

forget
export WATCHDOG_USEC=400000
access_server alice bob
unset WATCHDOG_USEC
wait_for 5 "READY of the access server" was_told READY=1
wait_for 5 "its watchdog" was_told WATCHDOG=1 3
certificate() { on s openssl s_client -connect "10.77.0.1:5061" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
first=$(certificate)
mv "$tmp/pki/ca.crt" "$tmp/pki/kept.crt" && mv "$tmp/pki/ca.key" "$tmp/pki/kept.key"
pki
kill -HUP "${pids[access]}"
wait_for 5 "reloaded" logged access "SIGHUP: the file, certificate and key are read again"
second=$(certificate)
[ "$first" != "$second" ] || fail "the certificate is the old one"
is "the new certificate" "$second" "$(openssl x509 -noout -serial -in "$tmp/pki/server.crt")"
cp "$tmp/pki/server.crt" "$tmp/pki/kept.crt"
echo nonsense >"$tmp/pki/server.crt"
kill -HUP "${pids[access]}"
wait_for 5 "a bad certificate" logged access "SIGHUP: nothing is changed"
is "the certificate after a bad one" "$(certificate)" "$second"
cp "$tmp/pki/kept.crt" "$tmp/pki/server.crt"

# ---- the agent: ready when the login was tried, passwords read again

plain_host b
echo "not the password" >"$tmp/wrong.password"
chmod 600 "$tmp/wrong.password"
forget
kill -STOP "${pids[access]}"
agent_config b
cat >>"$tmp/agent-b.conf" <<-END
	[endpoint $(aor alice)]
	password-file = $tmp/wrong.password
END
home[alice]=b
export WATCHDOG_USEC=400000
agent_start b
unset WATCHDOG_USEC
sleep 1
is "READY of the agent before its login was tried" "$(told READY=1)" 0
kill -CONT "${pids[access]}"
wait_for 5 "READY of the agent" was_told READY=1
wait_for 5 "its watchdog" was_told WATCHDOG=1 3
is "state with a wrong password" "$(endpoint alice | jq -r .state)" refused
cp "$(password alice)" "$tmp/wrong.password"
printf '[endpoint %s]\npassword-file = %s\n' "$(aor bob)" "$(password bob)" >>"$tmp/agent-b.conf"
kill -HUP "${pids[agent-b]}"
wait_for 5 "logged in with the password read again" registered alice
logged agent-b "SIGHUP: the file, passwords and auto-answer are read again" || fail "the log does not tell of the reload"
logged agent-b "sip:bob@example.org: comes with a restart only" || fail "the log does not tell of the new endpoint"
mv "$tmp/wrong.password" "$tmp/kept.password"
kill -HUP "${pids[agent-b]}"
wait_for 5 "a bad configuration" logged agent-b "SIGHUP: nothing is changed: .*wrong.password"
registered alice || fail "a bad configuration has done harm"
mv "$tmp/kept.password" "$tmp/wrong.password"

forget
kill -STOP "${pids[access]}"
kill -TERM "${pids[agent-b]}"
wait_for 5 "STOPPING" was_told STOPPING=1
alive agent-b || fail "it has not waited for the log-out"
stop agent-b
is "status after the second SIGTERM" "$ended" 0
logged agent-b "SIGTERM again: stopping at once" || fail "the log does not tell of the second SIGTERM"
kill -CONT "${pids[access]}"
stop access
is "status of the access server" "$ended" 0

# Without an access server the login has been tried, too
forget
agent_start b
wait_for 5 "READY without a server" was_told READY=1
