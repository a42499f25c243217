-- The wide view: a galaxy of the current release in one row. What people query.
-- The release is a sub-select, which prunes partitions at run time; a join with galcat.release would scan them all.
-- Names and tasks are sub-selects too: they cost no join, so similarity keeps its index plan with any number of tasks.
CREATE OR REPLACE FUNCTION galcat.galaxy_view_query()
RETURNS text LANGUAGE plpgsql STABLE SET search_path = '' AS $$
BEGIN
    RETURN $view$
SELECT
    s.object_id,
    (SELECT v.name FROM galcat.survey AS v WHERE v.survey_id = s.survey_id) AS survey,
    s.survey_source_id,
    (SELECT t.name FROM galcat.tile AS t WHERE t.tile_id = s.tile_id) AS tile,
    s.ra,
    s.dec,
    s.healpix29,
    s.petro_th50,
    s.petro_th90,
    s.shape_r,
    s.pixel_scale_arcsec,
    s.mag_g,
    s.mag_r,
    s.mag_i,
    s.mag_z,
    m.smooth_or_featured_smooth_fraction,
    m.smooth_or_featured_featured_or_disk_fraction,
    m.smooth_or_featured_artifact_fraction,
    m.disk_edge_on_yes_fraction,
    m.disk_edge_on_no_fraction,
    m.has_spiral_arms_yes_fraction,
    m.has_spiral_arms_no_fraction,
    m.bar_strong_fraction,
    m.bar_weak_fraction,
    m.bar_no_fraction,
    m.bulge_size_dominant_fraction,
    m.bulge_size_large_fraction,
    m.bulge_size_moderate_fraction,
    m.bulge_size_small_fraction,
    m.bulge_size_none_fraction,
    m.how_rounded_round_fraction,
    m.how_rounded_in_between_fraction,
    m.how_rounded_cigar_shaped_fraction,
    m.edge_on_bulge_boxy_fraction,
    m.edge_on_bulge_none_fraction,
    m.edge_on_bulge_rounded_fraction,
    m.spiral_winding_tight_fraction,
    m.spiral_winding_medium_fraction,
    m.spiral_winding_loose_fraction,
    m.spiral_arm_count_1_fraction,
    m.spiral_arm_count_2_fraction,
    m.spiral_arm_count_3_fraction,
    m.spiral_arm_count_4_fraction,
    m.spiral_arm_count_more_than_4_fraction,
    m.spiral_arm_count_cant_tell_fraction,
    m.merging_none_fraction,
    m.merging_minor_disturbance_fraction,
    m.merging_major_disturbance_fraction,
    m.merging_merger_fraction,
    m.smooth_or_featured_concentration,
    m.disk_edge_on_concentration,
    m.has_spiral_arms_concentration,
    m.bar_concentration,
    m.bulge_size_concentration,
    m.how_rounded_concentration,
    m.edge_on_bulge_concentration,
    m.spiral_winding_concentration,
    m.spiral_arm_count_concentration,
    m.merging_concentration,
    1::real AS smooth_or_featured_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction AS disk_edge_on_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction AS has_spiral_arms_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction AS bar_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction AS bulge_size_proportion_asked,
    m.smooth_or_featured_smooth_fraction AS how_rounded_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_yes_fraction AS edge_on_bulge_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction * m.has_spiral_arms_yes_fraction AS spiral_winding_proportion_asked,
    m.smooth_or_featured_featured_or_disk_fraction * m.disk_edge_on_no_fraction * m.has_spiral_arms_yes_fraction AS spiral_arm_count_proportion_asked,
    (m.smooth_or_featured_smooth_fraction + m.smooth_or_featured_featured_or_disk_fraction) AS merging_proportion_asked,
    m.anomaly_score,
    m.framing_flag,
    m.domain_distance,
    m.network_posterior IS NOT NULL AS is_calibrated,
    e.search$view$ || galcat.task_columns_text() || $view$
FROM galcat.embedding AS e
JOIN galcat.source AS s ON s.object_id = e.object_id
JOIN galcat.morphology AS m ON m.object_id = e.object_id AND m.release_id = e.release_id
WHERE e.release_id = (SELECT c.release_id FROM galcat.current_release AS c)
    AND m.release_id = (SELECT c.release_id FROM galcat.current_release AS c)
    AND NOT s.is_retired$view$;
END
$$;
COMMENT ON FUNCTION galcat.galaxy_view_query IS 'The text of galcat.galaxy, with a column or two for every task that has some. Part of build_galaxy_view().';
