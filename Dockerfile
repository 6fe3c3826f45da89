# The image holds one static binary and the certificates of the public authorities: no shell, no package, no root.
# packaging/check.sh carries these instructions out without a Docker engine and tests what comes of them.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG TARGETVARIANT
ARG VERSION
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Without HTTP/2, which nobody speaks with us, the binary is half a megabyte smaller.
RUN version=${VERSION:-$(git describe --tags --always || echo dev)} && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} \
    go build -trimpath -buildvcs=auto -tags nethttpomithttp2 -ldflags "-s -w -X main.version=$version" -o /out/enedis2mqtt .
RUN install -d -m 700 -o 65532 -g 65532 /out/data

FROM scratch
LABEL org.opencontainers.image.title="enedis2mqtt" \
      org.opencontainers.image.description="Electricity data of Enedis over MQTT, and whether to trust it" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/data /data
COPY --from=build /out/enedis2mqtt /enedis2mqtt
ENV DATA_DIR=/data
VOLUME /data
USER 65532:65532
EXPOSE 8099
HEALTHCHECK --interval=1m --timeout=10s --start-period=30s CMD ["/enedis2mqtt", "healthcheck"]
ENTRYPOINT ["/enedis2mqtt"]
