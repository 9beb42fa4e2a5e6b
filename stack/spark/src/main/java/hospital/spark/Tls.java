package hospital.spark;

import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.SSLContext;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/** Certificates in PEM, as Kafka's clients read them. */
final class Tls {
    static final String CA = "ssl.ca.location";
    static final String CERTIFICATE = "ssl.certificate.location";
    private static final String KEY = "ssl.key.location";

    private Tls() {}

    /** The context of a client with these certificates; each setting is a text in PEM. */
    static SSLContext context(Map<String, String> settings) {
        Map<String, Object> configs = new HashMap<>();
        configs.put(SslConfigs.SSL_PROTOCOL_CONFIG, SslConfigs.DEFAULT_SSL_PROTOCOL);
        configs.put(SslConfigs.SSL_KEYMANAGER_ALGORITHM_CONFIG, SslConfigs.DEFAULT_SSL_KEYMANGER_ALGORITHM);
        configs.put(SslConfigs.SSL_TRUSTMANAGER_ALGORITHM_CONFIG, SslConfigs.DEFAULT_SSL_TRUSTMANAGER_ALGORITHM);
        if (settings.containsKey(CA)) {
            configs.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
            configs.put(SslConfigs.SSL_TRUSTSTORE_CERTIFICATES_CONFIG, password(settings.get(CA)));
        }
        if (settings.containsKey(CERTIFICATE)) {
            String certificate = settings.get(CERTIFICATE);
            configs.put(SslConfigs.SSL_KEYSTORE_TYPE_CONFIG, "PEM");
            configs.put(SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG, password(certificate));
            configs.put(SslConfigs.SSL_KEYSTORE_KEY_CONFIG, password(settings.getOrDefault(KEY, certificate)));
        }
        try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
            factory.configure(configs);
            return factory.sslContext();
        }
    }

    private static org.apache.kafka.common.config.types.Password password(String text) {
        return new org.apache.kafka.common.config.types.Password(text);
    }
}
