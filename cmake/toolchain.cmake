# Compiler, linker and cache: whatever makes the build quick when it is there.
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

find_program(PENSTOCK_CCACHE ccache)
if(PENSTOCK_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${PENSTOCK_CCACHE})
endif()
find_program(PENSTOCK_MOLD mold)
if(PENSTOCK_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wno-missing-field-initializers)
option(PENSTOCK_WERROR "warnings are errors" OFF)
if(PENSTOCK_WERROR)
    add_compile_options(-Werror)
endif()

# A comma-separated list as -fsanitize takes it; -O1, since -O0 makes the suites crawl.
set(PENSTOCK_SANITIZE "" CACHE STRING "address,undefined or thread")
if(PENSTOCK_SANITIZE)
    add_compile_options(-O1 -fsanitize=${PENSTOCK_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${PENSTOCK_SANITIZE})
    if(PENSTOCK_SANITIZE STREQUAL thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        # Asio's fences stand beside mutexes, which the sanitizer does follow.
        add_compile_options(-Wno-tsan)
    endif()
    if(PENSTOCK_SANITIZE MATCHES undefined)
        add_compile_options(-fno-sanitize-recover=all)
    endif()
endif()

# Every library under a fuzz target counts its branches; the targets alone link libFuzzer's main.
if(PENSTOCK_FUZZ)
    add_compile_options(-O1 -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()

# Asio is compiled once (base/io/asio.cpp) instead of in every file that names it.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
