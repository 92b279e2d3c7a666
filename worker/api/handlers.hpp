// What the rows of the table of endpoints do.
#pragma once

#include "worker/api/service.hpp"

namespace penstock::worker {

// generate.cpp
io::task<stage_result<>> answer_chat(request_scope& r);
io::task<stage_result<>> answer_completion(request_scope& r);

// tokenize.cpp
io::task<stage_result<>> tokenize(request_scope& r);
io::task<stage_result<>> detokenize(request_scope& r);

// describe_model.cpp
io::task<stage_result<>> list_models(request_scope& r);
io::task<stage_result<>> show_model(request_scope& r);

// report.cpp
io::task<stage_result<>> show_health(request_scope& r);
io::task<stage_result<>> show_state(request_scope& r);
io::task<stage_result<>> show_version(request_scope& r);

// metrics.cpp
io::task<stage_result<>> show_metrics(request_scope& r);

}  // namespace penstock::worker
