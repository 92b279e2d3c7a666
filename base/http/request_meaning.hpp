// What the headers of a request say about the message itself: its host, its body, its connection.
#pragma once

#include "penstock/http/head.hpp"

namespace penstock::http {

// Sets framing, content_length, keep_alive and expects_continue from `head.headers` and
// `head.minor_version`. Refuses whatever could be framed in two ways.
result<void, refusal> read_request_meaning(request_head& head);

}  // namespace penstock::http
