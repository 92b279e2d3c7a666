// `penstock explain`.
#include "gateway/explain_command.hpp"

#include "gateway/ask_admin.hpp"
#include "gateway/explain/table.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace penstock::gateway {
namespace {

constexpr std::string_view self = "penstock explain: ";

std::string question_of(const explain_order& what) {
    if (!what.question.empty()) return what.question;
    boost::json::object o{{"bytes", what.bytes.value_or(0)}};
    for (const auto& [name, text] :
         {std::pair{"path", &what.path},
          {"model", &what.model},
          {"key_name", &what.key_name},
          {"class", &what.klass}})
        if (!text->empty()) o[name] = *text;
    if (what.stream) o["stream"] = true;
    if (what.max_tokens) o["max_tokens"] = *what.max_tokens;
    return serialize(o);
}

// False: it is no explanation.
bool print(const std::string& answer, bool as_json, std::ostream& out) {
    boost::system::error_code bad;
    const auto value = boost::json::parse(answer, bad);
    const auto* told = bad ? nullptr : value.if_object();
    if (!told || !told->contains("verdict")) return false;
    if (as_json)
        out << answer << '\n';
    else
        print_explanation(*told, out);
    return true;
}

}  // namespace

explain_exit explain_running(const explain_order& what, std::ostream& out, std::ostream& err) {
    const auto answer = ask_admin(
        {.admin = what.admin,
         .key = what.key,
         .method = "POST",
         .path = "/admin/explain",
         .body = question_of(what)}
    );
    if (answer.has_error()) {
        const auto& why = answer.error();
        err << self << what.admin << ": " << describe(why.code).label
            << (why.detail.empty() ? "" : ", " + why.detail) << '\n';
        return explain_exit::not_reached;
    }
    const auto& [status, body] = answer.value();
    if (status != 200) {
        const std::string reason = reason_in(body);
        err << self << (reason.empty() ? "no answer of a gateway" : reason) << " (status " << status
            << ")\n";
        return reason.empty() ? explain_exit::not_reached : explain_exit::refused;
    }
    if (print(body, what.as_json, out)) return explain_exit::done;
    err << self << what.admin << " answers, but not as a gateway does\n";
    return explain_exit::not_reached;
}

explain_exit explain_here(
    const explain_order& what,
    const std::function<stage_result<std::string>(std::string_view question)>& explains,
    std::ostream& out,
    std::ostream& err
) {
    const auto told = explains(question_of(what));
    if (told.has_error()) {
        const refusal& why = told.error();
        err << self << (why.message.empty() ? std::string(describe(why.code).message) : why.message)
            << (why.detail.empty() ? "" : " (" + why.detail + ")") << '\n';
        return explain_exit::refused;
    }
    print(told.value(), what.as_json, out);
    return explain_exit::done;
}

}  // namespace penstock::gateway
