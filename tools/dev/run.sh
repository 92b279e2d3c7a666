# shellcheck shell=bash
# ./dev run: the gateway, and the bundled worker with the model that we ship behind it.

gateway_address=127.0.0.1:4000

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
    ! kill -TERM "${gateway_pid:-}" 2>/dev/null || wait "$gateway_pid" 2>/dev/null || true
}

# Readiness does not wait for a model to load; the first answer would.
demo_is_up() {
    curl -fs -o /dev/null "http://$gateway_address/health/readiness" &&
        curl -fs -H "Authorization: Bearer $demo_key" "http://$gateway_address/metrics" |
        grep -q '^penstock_worker_up{.*} 1$'
}

run() {
    install build
    ! is_listening "$gateway_address" ||
        fail "something listens on $gateway_address already; stop it (another ./dev run?) first"
    build release penstock penstock-worker
    make_demo_key

    gateway_pid=''
    trap 'stop_demo; exit 130' INT
    trap 'stop_demo; exit 143' TERM
    trap stop_demo EXIT
    build/release/penstock serve --config config/penstock.yaml &
    gateway_pid=$!

    local tries=0
    until demo_is_up; do
        kill -0 "$gateway_pid" 2>/dev/null || fail "the gateway has ended"
        ((++tries < 150)) || fail "the gateway and its worker are not ready after 30 s"
        sleep 0.2
    done
    say "Penstock listens on http://$gateway_address (Ctrl-C stops it). Try:"
    cat <<TEXT

curl -N http://$gateway_address/v1/chat/completions \\
  -H 'Authorization: Bearer $demo_key' -H 'Content-Type: application/json' \\
  -d '{"model": "demo", "stream": true, "messages": [
        {"role": "user", "content": "Tell me a short story about a fox."}]}'

TEXT
    wait "$gateway_pid"
}
