# The image of every ringmq command: the broker by default, `docker run IMAGE lookupd` and so on for the others.
# docs/deploy.md says how to build and run it. Every package comes from package-lock.json; the tests compare the
# version of Node with the one that they run on.
ARG NODE_IMAGE=node:26.10.0-trixie-slim

# What runs needs no compiler: native parts come built, as optional packages of the platform.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-update-notifier

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-update-notifier
COPY tsconfig.json tsconfig.build.json tsconfig.bench.json tsconfig.types.json ./
COPY scripts ./scripts
COPY src ./src
# The image's own Node is before the one among the packages.
RUN PATH="$PATH:/app/node_modules/.bin" node scripts/build.ts

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="RingMQ" \
      org.opencontainers.image.description="A message broker that takes the place of nsqd" \
      org.opencontainers.image.source="https://github.com/ringmq/ringmq" \
      org.opencontainers.image.licenses="MIT"
# The data directory of nsqd's flags is where the program starts. A new volume takes over the owner of the directory.
RUN ln -s /app/dist/scripts/ringmq.cjs /usr/local/bin/ringmq && install -d -o 1000 -g 1000 -m 0700 /data
COPY package.json LICENSE /app/
COPY --from=packages /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
ENV NODE_ENV=production \
    RINGMQ_HEALTH_URL=http://127.0.0.1:4151/livez
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 4150 4151
STOPSIGNAL SIGTERM
# It is about whether the process serves: who restarts unhealthy containers must not end one that drains.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.RINGMQ_HEALTH_URL).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["ringmq"]
