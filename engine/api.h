// SPDX-License-Identifier: BSD-3-Clause
// The engine's public API: names and limits that both ends of its socket share. Documented in
// engine/README.md.
#pragma once

#define API_ENGINE_SOCKET "/run/crowfly/engine.sock"
#define API_AGENT_SOCKET  "/run/crowfly/agent.sock"

#define API_TAG_MAX 4096 // bytes of a session's opaque tag

// session.add: params
//   {"wire": {"local": "10.0.0.1:20000", "remote": "10.0.0.2:20000"},      IPv6:
//   "[2001:db8::1]:20000"
//    "host": {"local": "192.168.50.1:30000", "remote": "192.168.50.2:40000"},
//    "suite": "AEAD_AES_128_GCM",                                          names of RFC 4568 and
//    RFC 7714 "tx_key": "base64 of master key and salt", "rx_key": "...",           as behind
//    `inline:` (RFC 4568 section 6.1) "tag": "opaque", "window": 128, "media_timeout_ms": 0,
//    "direction": "sendrecv"|"sendonly"|"recvonly"|"inactive"}             RFC 3264
// result {"id": 7}
#define API_SESSION_ADD "session.add"
#define API_SESSION_UPDATE                                                                         \
	"session.update" // {"id", and any of wire.remote, host.remote, suite+tx_key+rx_key, tag,
			 // direction, media_timeout_ms}
#define API_SESSION_REMOVE "session.remove" // {"id"} -> the last statistics, as session.stats
// {"after": 0, "limit": 1000, and what chooses: "remote", "suite", "direction", "worker", "idle_s",
// "dropped", "draining"} -> {"sessions": [...], "next": id or null}: a page may be short, or empty,
// with more behind it. session.count -> {"matched", "sessions", "next"}: the sum is the client's
#define API_SESSION_LIST   "session.list"
#define API_SESSION_COUNT  "session.count"
// {"id", "idle_s": 10}: removed once no packet came for so long
#define API_SESSION_DRAIN  "session.drain"
#define API_DRAIN_IDLE_S   10
// {"after", "limit", "session": one alone}: pages end with a whole session
#define API_STREAM_LIST	   "stream.list"   // {"streams": [...], "next"}
#define API_KEY_LIST	   "key.list"	   // {"keys": [...], "next"}: never a key
#define API_ROUTE_LIST	   "route.list"	   // {"after", "limit"} -> {"routes": [...], "next"}
#define API_SESSION_STATS  "session.stats" // {"id"}
#define API_STATS	   "stats"	   // the engine's totals, drops by reason, workers
#define API_PORT_LIST	   "port.list"
// {"port": its number, its role ("wire", "host", "exception") or "all"} -> {"ports": [{"id",
// "role",
// ...}]}; without "port" the first three show all
#define API_PORT_INFO	   "port.info"
#define API_PORT_STATS	   "port.stats"	 // since port.clear; and "time_us", for rates
#define API_PORT_XSTATS	   "port.xstats" // the driver's own, never cleared
#define API_PORT_CLEAR	   "port.clear"
#define API_PORT_START	   "port.start" // {"ports": [{"id", "role", "started", "changed"}]}
#define API_PORT_STOP	   "port.stop"
// {"file": an absolute path, "session" or "port", "decrypted": false, "count", "seconds",
// "snaplen"}: answered once the file is open; stop: once it is closed. All answer what capture.show
// does
#define API_CAPTURE_START  "capture.start"
#define API_CAPTURE_STOP   "capture.stop"
#define API_CAPTURE_SHOW   "capture.show" // {"state", "file", "packets", "dropped" ...}
// {"section": "rxtx", "cores", "crypto" or "limits"}: how the engine is set up
#define API_CONFIG_SHOW	   "config.show"
// {"program", "version", "pid", "crypto", "draining", "suites": [...], "wire_addresses":
// ["10.0.0.1/24"], "host_addresses": [...]}
#define API_INFO	   "info"
// What the workers do. "Recently" is the last `interval_s`, 10 s or a little more.
#define API_WORKER_LIST	   "worker.list" // {} -> {"interval_s", "workers": [...]}
#define API_STAGE_LIST	   "stage.list"	 // {} -> {"interval_s", "timed_one_in", "stages": [...]}
#define API_DROP_LIST	   "drop.list"	 // {} -> {"interval_s", "since_s", "drops": [...]}
// {"id"} -> {"id", "rx", "tx", "auth_failure": why the latest sampled packet did not authenticate}
#define API_SESSION_DROPS  "session.drops"
// From receive burst to transmit burst
#define API_LATENCY_SET	   "latency.set"   // {"on": true|false}
#define API_LATENCY_GET	   "latency.get"   // {} -> {"on", "latencies": [...]}
#define API_LATENCY_CLEAR  "latency.clear" // {}
// {"worst": 10} -> {"wire": {"streams", "p50_us", ...}, "host": {...}, "worst": [...]}
#define API_JITTER_GET	   "jitter.get"
// {"session": id | "ssrc": n | "drops": "any" or a reason, "count": 1 to 1000}
#define API_TRACE_ADD	   "trace.add"
#define API_TRACE_LIST	   "trace.list" // {"after", "limit"} -> {"filters", "packets", "next"}
#define API_TRACE_CLEAR	   "trace.clear"
#define API_DROP_CLEAR	   "drop.clear" // {}: drop.list counts anew; nothing else does
// Forwarding. fwd.show: {"mode", "forwarding", "burst": as it runs, or ran last; "next": {"mode",
// "burst"} of the next start; "modes": {name: what it does}; "ports", "workers"}
#define API_FWD_SHOW	   "fwd.show"
#define API_FWD_SET	   "fwd.set"   // {"mode", "burst"}, either or both -> as fwd.show
#define API_FWD_START	   "fwd.start" // {} -> as fwd.show; RPC_REFUSED if it is started
#define API_FWD_STOP	   "fwd.stop"  // {} -> as fwd.stats; RPC_REFUSED if it is not started
#define API_FWD_STATS	   "fwd.stats" // {} -> counts since the last start or clear, and each second's
#define API_FWD_CLEAR	   "fwd.clear"	      // {}
#define API_EVENTS	   "events.subscribe" // {} ; then notifications:
#define API_FWD_SHOW	   "fwd.show"
#define API_FWD_SET	   "fwd.set"   // {"mode", "burst"}, either or both -> as fwd.show
#define API_FWD_START	   "fwd.start" // {} -> as fwd.show; RPC_REFUSED if it is started
#define API_FWD_STOP	   "fwd.stop"  // {} -> as fwd.stats; RPC_REFUSED if it is not started
#define API_FWD_STATS	   "fwd.stats" // {} -> counts since the last start or clear, and each second's
#define API_FWD_CLEAR	   "fwd.clear" // {}
// The generator. gen.set: {"sessions", "remote", "local", "rate", "payload", "suite", "secret"}; of
// a generator that is set, "rate" and "payload" for the next start -> as gen.show
#define API_GEN_SET	   "gen.set"
#define API_GEN_SHOW	   "gen.show"
#define API_GEN_CLEAR	   "gen.clear"	      // {}
#define API_EVENTS	   "events.subscribe" // {} ; then notifications:

// For those who run the engine.
#define API_HEALTH                                                                                 \
	"health" // -> {"state": "OK"|"WARN"|"FAIL", "checks": [{"state", "name", "text"}]}
#define API_VERSION	 "version"	// of the engine and of the libraries it runs
#define API_DRAIN	 "drain"	// {"timeout_s": 0 (never)}: -> as drain.status
#define API_UNDRAIN	 "undrain"	// -> as drain.status
#define API_DRAIN_STATUS "drain.status" // -> {"draining", "sessions", "cut_off_in_s": or null}
#define API_LOG_SET	 "log.set"	// {"type", "level"} -> {"types": how many}
#define API_VERBOSE_SET	 "verbose.set"	// {"on"}: a sample of received packets in the log
#define API_SETTINGS	 "settings" // -> {"commands": [...]}: what commands have set, for `save`
#define API_LOG_LIST	 "log.list" // -> {"types": [{"type", "level"}]}

#define API_EVENT_FIRST_PACKET	"session.first_packet"	// {"id", "tag", "from": "wire"|"host"}
#define API_EVENT_MEDIA_TIMEOUT "session.media_timeout" // {"id", "tag", "idle_ms"}
#define API_EVENT_KEY_EXHAUSTED "session.key_exhausted" // {"id", "tag", "direction"}
#define API_EVENT_REMOVED	"session.removed"	// {"id", "tag"}

// ---- The agent's socket speaks the same way. An address is "ip:port", plain RTP; RTCP on the port
// above.
//
// A call: {"call": "c7", "direction": "out"|"in", "from": AoR, "to": AoR,
//          "state": "calling"|"ringing"|"established"|"ended", "hold":
//          "none"|"local"|"remote"|"both" (while established), "send_to": "192.168.50.1:30000",
//          "receive_at": "192.168.50.2:40000", "payloads": ["PCMU/8000"], "suite":
//          "AEAD_AES_128_GCM", "session": 7, "status": 200, "reason": "...", "setup_ms": 12.3,
//          "request_ms": 3.1}
#define API_CALL_PLACE                                                                             \
	"call.place" // {"from", "to"}: answered once it is established, or failed (RPC_REFUSED,
		     // data.status)
#define API_CALL_ANSWER	 "call.answer"	// {"call"}
#define API_CALL_DECLINE "call.decline" // {"call", "status": 486 or 603 (default)}
#define API_CALL_HANG_UP "call.hang_up" // {"call"} or {"all": true}
// Each sends an INVITE inside the call and is answered with the call once the peer has granted and
// the engine has changed. RPC_REFUSED if the peer refuses (data.status; the call goes on as it
// was), if a change is under way, if the call is not established. A hold of a call that is held,
// and a resume of one that is not, succeed at once.
#define API_CALL_HOLD	 "call.hold"   // {"call"}: we want to receive nothing
#define API_CALL_RESUME	 "call.resume" // {"call"}
#define API_CALL_REKEY	 "call.rekey"  // {"call"}: new keys in both directions
// Lists, page by page: {"after": the "next" of the page before, "limit": 1000, which is also the
// most} -> {the list, "next": a string, or null at the end}. Calls come by their number, peers by
// endpoint and name.
#define API_CALL_LIST	 "call.list" // -> {"calls": [...], "next"}
#define API_PEER_LIST                                                                              \
	"peer.list" // and {"endpoint": AoR, optional} -> {"peers": [{"endpoint", "aor", "status",
		    // "contact", "confirmed"}], "next"}
// {"endpoint", "peer"}: notifies the peer anew, and answers when it has: the peer as in peer.list,
// and
// {"answer": "accepted"|"refused"|"none", "response": SIP status, if there is one, "reason",
// "took_ms": from sending (and connecting) to the answer}. RPC_REFUSED (data.status) if it cannot
// be asked: either is not logged in, the peer is not on the list, or somebody waits for its answer.
#define API_PEER_NOTIFY "peer.notify"
#define API_ENDPOINT_LIST                                                                          \
	"endpoint.list" // {} -> {"endpoints": [{"aor", "state", "expires_in_s", "peers", "online",
			// "login_ms"}]}
#define API_ENDPOINT_LOG_OUT "endpoint.log_out" // {"endpoint"}
// {"endpoint"}: logs it in again; one that is logged in gets the server's tables anew
#define API_ENDPOINT_LOG_IN  "endpoint.log_in"

// A peer's status: "online" (told by the server or by itself), "unreachable" (it did not answer the
// notification in time), "offline". "confirmed": it answered or spoke.
#define API_EVENT_CALL	   "call" // a call, at each change of state
#define API_EVENT_PEER	   "peer" // a peer, at each change of status
#define API_EVENT_ENDPOINT "endpoint"
