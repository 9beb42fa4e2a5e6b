package hospital.converter;

import io.apicurio.registry.rest.client.exception.RestClientException;
import io.apicurio.registry.utils.converter.AvroConverter;
import io.apicurio.rest.client.error.ApicurioRestClientException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Apicurio's Avro converter, which waits for a registry that is away.
 *
 * <p>To Kafka Connect, what a converter throws is the record's fault: a good record would end in the
 * dead letter queue because the registry could not be asked for its schema. Connect could try again
 * ({@code errors.retry.timeout}), but passes over such a record if its task is stopped meanwhile.
 */
public final class WaitingAvroConverter<T> extends AvroConverter<T> {
  private static final Logger LOG = LoggerFactory.getLogger(WaitingAvroConverter.class);
  private static final int TOO_MANY_REQUESTS = 429;
  private static final int SERVER_ERROR = 500;
  // Attempts between two lines of the log.
  private static final int SILENT = 30;

  private final long pauseMs;

  public WaitingAvroConverter() {
    this(TimeUnit.SECONDS.toMillis(1));
  }

  WaitingAvroConverter(long pauseMs) {
    this.pauseMs = pauseMs;
  }

  @Override
  public byte[] fromConnectData(String topic, Headers headers, Schema schema, Object value) {
    return answer(topic, () -> super.fromConnectData(topic, headers, schema, value));
  }

  @Override
  public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
    return answer(topic, () -> super.toConnectData(topic, headers, value));
  }

  private <R> R answer(String topic, Supplier<R> question) {
    for (int attempt = 0; ; attempt++) {
      try {
        return question.get();
      } catch (RuntimeException error) {
        Throwable silence = silence(error);
        if (silence == null) {
          throw error;
        }
        if (attempt % SILENT == 0) {
          LOG.warn("{} waits for the registry: {}", topic, silence.getMessage());
        }
        pause();
      }
    }
  }

  /** Why the registry has not said what the schema is; null if it has, and the record is at fault. */
  private static Throwable silence(Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof RestClientException refusal) {
        // Without a code: no connection, or an answer that is none of a registry's.
        Integer code = refusal.getError() == null ? null : refusal.getError().getErrorCode();
        boolean isSilent = code == null || code >= SERVER_ERROR || code == TOO_MANY_REQUESTS;
        return isSilent ? cause : null;
      }
      // The others are about the log-in.
      if (cause instanceof ApicurioRestClientException) {
        return cause;
      }
    }
    return null;
  }

  private void pause() {
    try {
      Thread.sleep(pauseMs);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      // The worker ends. An exception would send the record to the dead letter queue.
      throw new InterruptedError(error);
    }
  }

  private static final class InterruptedError extends Error {
    private static final long serialVersionUID = 1;

    InterruptedError(InterruptedException cause) {
      super("interrupted while it waited for the registry", cause);
    }
  }
}
