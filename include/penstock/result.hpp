// result<T>: a value or an error, with the two macros that forward errors.
#pragma once

#include "penstock/error.hpp"

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/success_failure.hpp>

#include <utility>

namespace penstock {

template <class T, class E = error>
using result = boost::outcome_v2::basic_result<T, E, boost::outcome_v2::policy::terminate>;

using boost::outcome_v2::success;

}  // namespace penstock

#define PENSTOCK_JOIN_(a, b) a##b
#define PENSTOCK_JOIN(a, b) PENSTOCK_JOIN_(a, b)

// Each expands to several full statements (g++ 12 destroys temporaries twice when `co_await` stands
// inside a larger expression), so neither may be the unbraced body of an `if`.
//     TRY(declaration, expression)      in a function
//     CO_TRY(declaration, awaitable)    in a coroutine; awaits first
//     CHECK(expression), CO_CHECK(awaitable)   the same for result<void>
//     CO_CHECK_NOW(expression)                 in a coroutine, of a call that does not wait
#define PENSTOCK_TRY_(tmp, declaration, expression, leave) \
    auto tmp = expression;                                 \
    if (tmp.has_error()) leave std::move(tmp).error();     \
    declaration = std::move(tmp).value()
#define PENSTOCK_CHECK_(tmp, expression, leave) \
    auto tmp = expression;                      \
    if (tmp.has_error()) leave std::move(tmp).error()

#define TRY(declaration, expression) \
    PENSTOCK_TRY_(PENSTOCK_JOIN(result_, __LINE__), declaration, expression, return)
#define CHECK(expression) PENSTOCK_CHECK_(PENSTOCK_JOIN(result_, __LINE__), expression, return)
#define CO_TRY(declaration, awaitable) \
    PENSTOCK_TRY_(PENSTOCK_JOIN(result_, __LINE__), declaration, co_await awaitable, co_return)
#define CO_CHECK_NOW(expression) \
    PENSTOCK_CHECK_(PENSTOCK_JOIN(result_, __LINE__), expression, co_return)
#define CO_CHECK(awaitable) \
    PENSTOCK_CHECK_(PENSTOCK_JOIN(result_, __LINE__), co_await awaitable, co_return)
