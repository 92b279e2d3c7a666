# shellcheck shell=bash
# ./dev run: the gateway with a demo upstream behind it.

gateway_address=127.0.0.1:4000
upstream_address=127.0.0.1:4010

is_listening() { (exec 3<>"/dev/tcp/${1%:*}/${1#*:}") 2>/dev/null; }

make_demo_key() {
    mkdir -p run
    [[ -s run/demo.key ]] || (umask 077 && echo "sk-$(openssl rand -hex 24)" >run/demo.key)
    demo_key=$(<run/demo.key)
    PENSTOCK_DEMO_KEY_SHA256=$(printf %s "$demo_key" | sha256sum | cut -d ' ' -f 1)
    export PENSTOCK_DEMO_KEY_SHA256
}

stop_demo() {
    trap - INT TERM EXIT
    # The gateway first: it drains, and its open streams still have their upstream.
    local pid
    for pid in ${gateway_pid:-} ${upstream_pid:-}; do
        ! kill -TERM "$pid" 2>/dev/null || wait "$pid" 2>/dev/null || true
    done
}

run() {
    install build
    local address
    for address in "$gateway_address" "$upstream_address"; do
        ! is_listening "$address" ||
            fail "something listens on $address already; stop it (perhaps another ./dev run) first"
    done
    build release penstock
    make_demo_key

    gateway_pid='' upstream_pid=''
    trap 'stop_demo; exit 130' INT
    trap 'stop_demo; exit 143' TERM
    trap stop_demo EXIT
    python3 tools/demo_upstream.py --port "${upstream_address#*:}" &
    upstream_pid=$!
    build/release/penstock serve --config config/penstock.yaml &
    gateway_pid=$!

    local tries=0
    until curl -fs -o /dev/null "http://$gateway_address/health/readiness"; do
        kill -0 "$upstream_pid" 2>/dev/null || fail "the demo upstream has ended"
        kill -0 "$gateway_pid" 2>/dev/null || fail "the gateway has ended"
        ((++tries < 150)) || fail "the gateway is not ready after 30 s"
        sleep 0.2
    done
    say "Penstock listens on http://$gateway_address (Ctrl-C stops it). Try:"
    cat <<TEXT

curl -N http://$gateway_address/v1/chat/completions \\
  -H 'Authorization: Bearer $demo_key' -H 'Content-Type: application/json' \\
  -d '{"model": "demo", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'

TEXT
    local status=0
    wait -n "$gateway_pid" "$upstream_pid" || status=$?
    kill -0 "$gateway_pid" 2>/dev/null && fail "the demo upstream has ended"
    exit "$status"
}
