# Not built here: there is no container engine on the machine this was written on. Its steps are
# those of ./dev, which is what was run.
#
#     docker build -t penstock .                      gateway and worker
#     docker build --target test -t penstock-test .   and its tests
#     docker run -p 4000:4000 -v $PWD/penstock.yaml:/etc/penstock/penstock.yaml penstock

FROM debian:12 AS toolchain
WORKDIR /src
COPY dev ./
COPY tools/dev tools/dev
RUN ./dev install build && rm -rf /var/lib/apt/lists/*

FROM toolchain AS build
COPY . .
RUN ./dev build release penstock penstock-worker \
    && mkdir /programs \
    && for program in penstock penstock-worker; do \
           strip -o /programs/$program build/release/$program; \
       done

FROM build AS test
RUN ./dev test

FROM debian:12-slim AS runtime
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends \
        ca-certificates libboost-json1.81.0 libboost-url1.81.0 libssl3 libsimdjson14 \
        libyaml-cpp0.7 libicu72 libspdlog1.10 libfmt9 libprometheus-cpp-core1.0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home penstock
COPY --from=build /programs/ /usr/local/bin/
COPY models /usr/local/share/penstock/models
USER penstock
EXPOSE 4000
# SIGTERM drains: readiness fails, streams finish. Give `docker stop` as long as timeouts.drain.
STOPSIGNAL SIGTERM
ENTRYPOINT ["penstock"]
CMD ["serve", "--config", "/etc/penstock/penstock.yaml"]
