package hospital.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WaitingAvroConverterTest {
  // Confluent's wire format: the id 7, and a string of one letter.
  private static final byte[] RECORD = {0, 0, 0, 0, 7, 2, 'x'};
  private static final Answer SCHEMA = new Answer(200, "\"string\"");
  private static final Answer NO_REFERENCES = new Answer(200, "[]");
  private static final Answer UNKNOWN =
      new Answer(
          404, "{\"error_code\": 404, \"message\": \"?\", \"name\": \"ContentNotFoundException\"}");

  private final Deque<Answer> answers = new ConcurrentLinkedDeque<>();
  private HttpServer registry;

  private record Answer(int status, String body) {}

  @BeforeEach
  void start() throws IOException {
    serve(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  private void serve(InetSocketAddress address) throws IOException {
    registry = HttpServer.create(address, 0);
    registry.createContext(
        "/",
        exchange -> {
          boolean isSchema = !exchange.getRequestURI().getPath().endsWith("/references");
          Answer answer = isSchema ? next() : NO_REFERENCES;
          byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(answer.status(), body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    registry.start();
  }

  /** The next answer; the last one is given again and again. */
  private Answer next() {
    return answers.size() > 1 ? answers.remove() : answers.peek();
  }

  @AfterEach
  void stop() {
    registry.stop(0);
  }

  private Object read(byte[] record, Answer... given) {
    answers.addAll(List.of(given));
    return read(registry.getAddress(), record);
  }

  private static Object read(InetSocketAddress address, byte[] record) {
    String url = "http://127.0.0.1:" + address.getPort() + "/apis/registry/v2";
    try (var converter = new WaitingAvroConverter<Object>(1)) {
      converter.configure(
          Map.of(
              "apicurio.registry.url", url,
              "apicurio.registry.as-confluent", true,
              "apicurio.registry.use-id", "contentId"),
          false);
      return converter.toConnectData("t", new RecordHeaders(), record).value();
    }
  }

  @Test
  void aRegistryThatGivesNoAnswerIsWaitedFor() {
    var proxy = new Answer(502, "<html>502 Bad Gateway</html>");
    var busy = new Answer(429, "");
    var logIn = new Answer(401, "");
    assertEquals("x", read(RECORD, proxy, busy, logIn, SCHEMA).toString());
    assertEquals(1, answers.size());
  }

  @Test
  void aRefusedConnectionIsWaitedFor() throws IOException, InterruptedException {
    InetSocketAddress address = registry.getAddress();
    registry.stop(0);
    var found = new AtomicReference<Object>();
    var waiting = new Thread(() -> found.set(read(address, RECORD)));
    waiting.start();
    waiting.join(500);
    assertTrue(waiting.isAlive());
    answers.add(SCHEMA);
    serve(address);
    waiting.join();
    assertEquals("x", found.get().toString());
  }

  @Test
  void anIdThatNobodyRegisteredIsTheRecordsFault() {
    assertThrows(RuntimeException.class, () -> read(RECORD, UNKNOWN));
  }

  @Test
  void aRecordThatIsNoAvroIsTheRecordsFault() {
    assertThrows(RuntimeException.class, () -> read(new byte[] {0, 0, 0, 0, 7}, SCHEMA));
  }
}
