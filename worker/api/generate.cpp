// /v1/chat/completions and /v1/completions: read, prepare, submit, write.
#include "penstock/hex.hpp"
#include "worker/api/handlers.hpp"

#include <chrono>

namespace penstock::worker {
namespace {

using prepare_function = stage_result<prepared_request> (*)(std::string_view, const served_model&);

stage_result<generation_wishes> read_wishes(
    const http::header_list& headers, std::size_t salt_max
) {
    generation_wishes wishes;
    const std::string_view named = headers.find("x-penstock-class");
    if (named == "bulk") wishes.traffic_class = request_class::bulk;
    if (!named.empty() && named != "bulk" && named != "realtime")
        return refusal(
            errc::invalid_value,
            "The header x-penstock-class must be 'realtime' or 'bulk'.",
            "x-penstock-class"
        );
    const std::string_view silent = headers.find("x-penstock-no-keepalive");
    wishes.no_keepalive = silent == "1" || http::same_name(silent, "true");
    wishes.cache_salt = headers.find("x-penstock-cache-salt");
    if (wishes.cache_salt.size() > salt_max)
        return refusal(
            errc::invalid_value,
            "The header x-penstock-cache-salt is longer than " + std::to_string(salt_max) +
                " bytes.",
            "x-penstock-cache-salt"
        );
    return wishes;
}

answer_names names_for(request_scope& r, const prepared_request& request) {
    answer_names names;
    const served_model& model = r.host.model();
    names.id = request.is_chat ? "chatcmpl-" : "cmpl-";
    append_hex(names.id, r.host.random(), 16);
    names.model = model.rules.model;
    names.fingerprint = model.fingerprint;
    names.created = std::chrono::duration_cast<std::chrono::seconds>(
                        std::chrono::system_clock::now().time_since_epoch()
    )
                        .count();
    names.null_usage = request.settings.include_usage;
    return names;
}

std::string answer_headers(const request_scope& r, bool stream) {
    std::string lines = r.headers;
    lines += stream
                 ? "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
                 : "Content-Type: application/json\r\n";
    return lines;
}

io::task<stage_result<prepared_request>> read_and_prepare(
    request_scope& r, prepare_function prepare
) {
    CO_CHECK(r.x.read_body());
    std::optional<stage_result<prepared_request>> made;
    const std::string_view body = r.x.body();
    const served_model& model = r.host.model();
    const bool ran = co_await run_text_work(r, [&] { made.emplace(prepare(body, model)); });
    if (!ran) co_return refusal(errc::queue_full, "Too many long prompts wait to be read.");
    co_return std::move(*made);
}

io::task<stage_result<>> generate(request_scope& r, prepare_function prepare) {
    auto wished = read_wishes(r.x.head().headers, r.host.model().rules.most.max_salt_bytes);
    if (wished.has_error()) co_return std::move(wished).error();
    const generation_wishes wishes = std::move(wished).value();
    CO_TRY(const prepared_request request, read_and_prepare(r, prepare));
    r.is_stream = request.settings.stream;
    const std::string headers = answer_headers(r, r.is_stream);
    // Composed while the request's own head is known; sent with the first token.
    if (r.is_stream) r.x.start(200, {}, headers, std::nullopt);
    r.x.release_request();

    const auto writer =
        request.is_chat
            ? write_chat(names_for(r, request))
            : write_completion(
                  names_for(r, request),
                  static_cast<std::uint32_t>(request.prompts.size() * request.settings.num_choices)
              );
    const duration keepalive =
        wishes.no_keepalive ? duration::zero() : r.host.options().keepalive_after;
    answering made(r.x, request, r.host.model(), r.host.running(), r.host.random(), keepalive);
    const service::running_answer listed(r.host, made);
    CO_CHECK_NOW(made.submit(wishes));
    CO_CHECK(made.write(*writer, headers));
    r.status = 200;
    co_return success();
}

}  // namespace

io::task<stage_result<>> answer_chat(request_scope& r) {
    return generate(r, prepare_chat);
}

io::task<stage_result<>> answer_completion(request_scope& r) {
    return generate(r, prepare_completion);
}

}  // namespace penstock::worker
