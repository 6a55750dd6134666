# One image for every role: `tranweave collector | processor | sinks | api --config FILE`. The embedded ClickHouse (550 MB) is not in it.

FROM node:20-bookworm-slim AS build
# The package ibmmq fetches no client library of IBM: one that is mounted at /opt/mqm is used (docs/ibm-mq.md).
ENV MQIJS_NOREDIST=1
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# With the optional packages, in this stage only: the compiler's binary is one of them, and so are the types of chdb.
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && rm -rf dist/bench dist/tests dist/common/testing
# What of the optional packages goes into the image: 6 MB for the input ibm-mq, where npm could install it.
RUN mkdir /optional && for name in ibmmq node-gyp-build; do [ ! -d node_modules/$name ] || cp -r node_modules/$name /optional/; done

FROM node:20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM node:20-bookworm-slim
# MALLOC_ARENA_MAX: less memory for the same work (scripts/node-flags.ts).
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    TRANWEAVE_HEALTH_URL=http://127.0.0.1:9464/healthz
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /optional ./node_modules
COPY --from=build /app/dist ./dist
RUN ln -s /app/dist/scripts/cli.js /usr/local/bin/tranweave
USER node
# 9464 is the port of /metrics, /healthz and /readyz in deploy/tranweave.compose.yml; with another one, set TRANWEAVE_HEALTH_URL.
EXPOSE 8080 8090 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.TRANWEAVE_HEALTH_URL).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/scripts/cli.js"]
CMD ["--help"]
