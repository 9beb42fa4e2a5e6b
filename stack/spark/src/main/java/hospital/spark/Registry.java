package hospital.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The versions of a subject in a Confluent-compatible Schema Registry. Not for several threads. */
final class Registry {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration PAUSE = Duration.ofMillis(250);
    private static final int OK = 200;
    private static final int NOT_FOUND = 404;
    private static final int NO_SUBJECT = 40401;

    private final String url;
    private final String login;
    private final HttpClient http;
    private final Set<Integer> seen = new HashSet<>();

    /**
     * {@code settings}: those of a target's registry. {@code url} is the root of its API. What is a file
     * there is its text here, in PEM.
     */
    Registry(Map<String, String> settings, String subject) {
        this.url = settings.get("url").replaceFirst("/+$", "") + "/subjects/" + subject + "/versions";
        this.login = login(settings);
        HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5));
        if (settings.containsKey(Tls.CA) || settings.containsKey(Tls.CERTIFICATE)) {
            builder.sslContext(Tls.context(settings));
        }
        this.http = builder.build();
    }

    private static String login(Map<String, String> settings) {
        String user = settings.get("basic.auth.user.info");
        if (user != null) {
            return "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8));
        }
        return settings.containsKey("bearer") ? "Bearer " + settings.get("bearer") : null;
    }

    /**
     * The Avro schemas, by id, of the versions that were not asked for before.
     *
     * @throws IllegalStateException the registry has not answered for a minute. To go on without it
     *     would reject good records.
     */
    Map<Integer, String> versions() throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return added();
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("the Schema Registry does not answer: " + url, e);
                }
                Thread.sleep(PAUSE.toMillis());
            }
        }
    }

    private Map<Integer, String> added() throws IOException, InterruptedException {
        Map<Integer, String> schemas = new HashMap<>();
        Set<Integer> numbers = new HashSet<>();
        for (JsonNode number : get(url)) {
            if (!seen.contains(number.asInt())) {
                JsonNode version = get(url + "/" + number.asInt());
                if (version.path("schemaType").asText("AVRO").equals("AVRO")) {
                    schemas.put(version.get("id").asInt(), version.get("schema").asText());
                }
                numbers.add(number.asInt());
            }
        }
        seen.addAll(numbers);
        return schemas;
    }

    private JsonNode get(String url) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
                .timeout(Duration.ofSeconds(5))
                .header("Accept", "application/vnd.schemaregistry.v1+json");
        if (login != null) {
            request.header("Authorization", login);
        }
        HttpResponse<byte[]> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() == OK) {
            return JSON.readTree(answer.body());
        }
        // Of a proxy, or of a wrong address, 404 says nothing about the subject.
        if (answer.statusCode() == NOT_FOUND
                && JSON.readTree(answer.body()).path("error_code").asInt() == NO_SUBJECT) {
            return JSON.createArrayNode();
        }
        throw new IOException("HTTP status " + answer.statusCode());
    }
}
