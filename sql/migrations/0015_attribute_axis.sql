-- The direction among search vectors along which an attribute grows, kept with the release.

CREATE TABLE galcat.attribute_axis (
    release_id smallint NOT NULL REFERENCES galcat.release ON DELETE CASCADE,
    attribute text NOT NULL,
    axis public.halfvec(40) NOT NULL,
    galaxies bigint NOT NULL,
    PRIMARY KEY (release_id, attribute)
);
