package hospital.flink;

import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.config.ConfigTransformer;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.config.provider.DirectoryConfigProvider;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.config.provider.EnvVarConfigProvider;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.config.provider.FileConfigProvider;

/**
 * Options whose texts may refer to secrets, as in a Kafka client's properties: {@code ${env:NAME}},
 * {@code ${file:path:KEY}}, {@code ${directory:path:file}}. Neither a statement nor a plan has a secret.
 */
final class References implements ReadableConfig {
    private static final String KEY = "text";

    private final ReadableConfig options;
    private final ConfigTransformer transformer;

    References(ReadableConfig options) {
        this.options = options;
        EnvVarConfigProvider variables = new EnvVarConfigProvider();
        FileConfigProvider files = new FileConfigProvider();
        DirectoryConfigProvider directories = new DirectoryConfigProvider();
        variables.configure(Map.of());
        files.configure(Map.of());
        directories.configure(Map.of());
        this.transformer = new ConfigTransformer(Map.of("env", variables, "file", files, "directory", directories));
    }

    @Override
    public <T> T get(ConfigOption<T> option) {
        return resolved(options.get(option));
    }

    @Override
    public <T> Optional<T> getOptional(ConfigOption<T> option) {
        return options.getOptional(option).map(this::resolved);
    }

    @Override
    public Map<String, String> toMap() {
        return options.toMap();
    }

    @SuppressWarnings("unchecked")
    private <T> T resolved(T value) {
        return value instanceof String text
                ? (T) transformer.transform(Map.of(KEY, text)).data().get(KEY)
                : value;
    }
}
